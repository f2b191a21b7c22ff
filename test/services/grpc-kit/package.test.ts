// The package as npm would publish it, installed and run in empty projects: with the lowest grpc-js and the lowest
// Node.js that it asks for, and with those that are here.
import { once } from 'node:events';
import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tempDir } from '../../support/temp-dir.ts';
import { fakeApi, slice } from './resolver/fake-api.ts';

const root = join(import.meta.dirname, '../../..');
const kit = join(root, 'services/grpc-kit');

const types = `
import { createClient, type KitClient } from '@grpc-kind-lab/grpc-kit';
import type { MethodDefinition } from '@grpc/grpc-js';
declare const Echo: { one: MethodDefinition<{ text: string }, { length: number }> & { requestStream: false; responseStream: false } };
const client: KitClient<typeof Echo> = createClient(Echo, 'kubernetes:///echo.default:grpc');
const answer: Promise<{ length: number }> = client.one({ text: 'typed' });
// @ts-expect-error a request without its field
client.one({});
void answer;
`;

type PackageJson = {
  version: string;
  engines: { node: string };
  peerDependencies: Record<string, string>;
};
const packageJson = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageJson;

const { engines, peerDependencies } = await packageJson(kit);
/** `>=1.14.4 <1.15.0` and `>=22` begin with it. */
const lowestOf = (range = '') => /^>=([\d.]+)/.exec(range)?.[1] ?? '';
const grpcJs = {
  lowest: lowestOf(peerDependencies['@grpc/grpc-js']),
  here: (await packageJson(join(root, 'node_modules/@grpc/grpc-js'))).version,
};
/** May be one and the same. */
const grpcJsVersions = [...new Set(Object.values(grpcJs))];
const lowestNode = `${lowestOf(engines.node)}.0.0`;

/** Of what the generated code needs. */
const protobuf = await packageJson(join(root, 'node_modules/@bufbuild/protobuf'));

let dir: Awaited<ReturnType<typeof tempDir>>;
let packed: { filename: string; files: { path: string }[] };
/** Of Node.js, by which one it is. */
const programs = { lowest: '', here: process.execPath };

beforeAll(async () => {
  dir = await tempDir();
  const { stdout } = await execa('npm', ['pack', '--json', '--pack-destination', dir.path], { cwd: kit });
  [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [typeof packed];
  const node = `node-${process.platform}-${process.arch}`;
  await Promise.all([
    ...grpcJsVersions.map((version) =>
      install(
        version,
        [packed.filename],
        `@grpc/grpc-js@${version}`,
        `@bufbuild/protobuf@${protobuf.version}`,
      ),
    ),
    install('node', [], `${node}@${lowestNode}`),
  ]);
  programs.lowest = join(dir.path, 'node/node_modules', node, 'bin/node');
}, 180_000);
afterAll(() => dir[Symbol.asyncDispose]());

/** Into a project of its own. */
async function install(project: string, files: string[], ...packages: string[]): Promise<void> {
  const folder = join(dir.path, project);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const paths = files.map((file) => join(dir.path, file));
  await execa('npm', ['install', '--no-audit', '--no-fund', ...paths, ...packages], { cwd: folder });
}

test('what is packed is what was built, and no more', () => {
  const files = packed.files.map(({ path }) => path);
  expect(files).toEqual(
    expect.arrayContaining([
      'README.md',
      'LICENSE',
      'dist/index.js',
      'dist/index.d.ts',
      'manifests/rbac.yaml',
    ]),
  );
  expect(
    files.filter((path) => !/^(dist|manifests)\/|^(README.md|LICENSE|package.json)$/.test(path)),
  ).toEqual([]);
});

test.each([
  { grpcJsIs: 'lowest', nodeIs: 'lowest' },
  { grpcJsIs: 'lowest', nodeIs: 'here' },
  { grpcJsIs: 'here', nodeIs: 'lowest' },
  { grpcJsIs: 'here', nodeIs: 'here' },
] as const)('it runs with grpc-js: $grpcJsIs, Node.js: $nodeIs', async ({ grpcJsIs, nodeIs }) => {
  const project = join(dir.path, grpcJs[grpcJsIs]);
  await copyFile(join(import.meta.dirname, 'installed-program.js'), join(project, 'main.js'));
  const { stdout } = await execa(programs[nodeIs], ['main.js'], { cwd: project, timeout: 60_000 });
  const { endedWithinMs, ...seen } = JSON.parse(stdout) as { endedWithinMs: number };
  expect(seen).toEqual({
    grpcJs: grpcJs[grpcJsIs],
    node: nodeIs === 'here' ? process.version : `v${lowestNode}`,
    evenly: { near: 10, far: 10 },
    onOwnNode: { near: 20, far: 0 },
    retried: 40,
    notRetried: 20,
    farFailed: expect.toSatisfy((calls: number) => calls > 20, 'more than those that were not retried'),
    deadline: 'DEADLINE_EXCEEDED',
    polled: 'near',
    unknown: 'UNIMPLEMENTED',
  });
  // A connection or a timer that was left behind would keep it.
  expect(endedWithinMs).toBeLessThan(5000);
});

test.each(grpcJsVersions)('programs with its types compile with grpc-js %s', async (version) => {
  const project = join(dir.path, version);
  await writeFile(join(project, 'types.ts'), types);
  await writeFile(join(project, 'readme.ts'), await firstProgram());
  await cp(join(root, 'services/gen'), join(project, 'gen'), { recursive: true });
  await execa(
    join(root, 'node_modules/.bin/tsc'),
    [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--allowImportingTsExtensions',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--lib',
      'esnext',
      '--types',
      'node',
      '--typeRoots',
      join(root, 'node_modules/@types'),
      'types.ts',
      'readme.ts',
    ],
    { cwd: project },
  );
});

const firstProgram = async () =>
  /^```ts\n(.*?)^```$/ms.exec(await readFile(join(kit, 'README.md'), 'utf8'))?.[1] ?? '';

test("the README's first program runs", async () => {
  const project = join(dir.path, grpcJs.here);
  const port = await freePort();
  await using api = await fakeApi();
  api.put(slice('one', ['127.0.0.1'], { ports: [{ name: 'grpc', port }] }));
  const program = (await firstProgram()).replace('port: 50051', `port: ${port}`);
  await writeFile(join(project, 'readme-run.ts'), `${program}\nconsole.log(message);\nprocess.exit();\n`);
  await cp(join(root, 'services/gen'), join(project, 'gen'), { recursive: true });
  const env = { KUBECONFIG: api.kubeconfig(project) };
  const { stdout } = await execa(process.execPath, ['readme-run.ts'], { cwd: project, env, timeout: 60_000 });
  expect(stdout).toBe('Hello Ada');
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
