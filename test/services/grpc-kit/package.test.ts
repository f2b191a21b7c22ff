// The package as npm would publish it, installed and run in empty projects: with the lowest grpc-js and the lowest
// Node.js that it asks for, and with those that are here.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tempDir } from '../../support/temp-dir.ts';

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
const lowestNode = `${lowestOf(engines.node)}.0.0`;

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
    ...Object.values(grpcJs).map((version) =>
      install(version, [packed.filename], `@grpc/grpc-js@${version}`),
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
  expect(endedWithinMs).toBeLessThan(1000);
});

test.each(Object.values(grpcJs))('a program with its types compiles with grpc-js %s', async (version) => {
  const project = join(dir.path, version);
  await writeFile(join(project, 'types.ts'), types);
  await execa(
    join(root, 'node_modules/.bin/tsc'),
    [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
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
    ],
    { cwd: project },
  );
});
