// The package as npm would publish it, installed and run in an empty project.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { tempDir } from '../../support/temp-dir.ts';

const root = join(import.meta.dirname, '../../..');
const kit = join(root, 'services/grpc-kit');

const program = `
import { Server } from '@grpc/grpc-js';
import { createClient, serve } from '@grpc-kind-lab/grpc-kit';
const json = { requestSerialize: (v) => Buffer.from(JSON.stringify(v)), requestDeserialize: (b) => JSON.parse(b) };
const Echo = { one: { path: '/test.Echo/One', requestStream: false, responseStream: false, ...json,
  responseSerialize: json.requestSerialize, responseDeserialize: json.requestDeserialize } };
const server = await serve([[Echo, { one: (call, callback) => callback(null, call.request) }]], {
  host: '127.0.0.1', port: 0, drainOn: [] });
const client = createClient(Echo, \`dns-poll:///127.0.0.1:\${server.port}\`, { retry: true });
console.log(JSON.stringify(await client.one({ text: 'installed' })));
await client.close();
await server.close();
`;

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

test('npm pack of it installs, runs and type-checks in an empty project', { timeout: 180_000 }, async () => {
  await using dir = await tempDir();
  const { stdout } = await execa('npm', ['pack', '--json', '--pack-destination', dir.path], { cwd: kit });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as {
    filename: string;
    files: { path: string }[];
  }[];
  const files = packed?.files.map(({ path }) => path) ?? [];
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

  const project = join(dir.path, 'project');
  await mkdir(project);
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const { version } = JSON.parse(
    await readFile(join(root, 'node_modules/@grpc/grpc-js/package.json'), 'utf8'),
  ) as { version: string };
  await execa(
    'npm',
    [
      'install',
      '--no-audit',
      '--no-fund',
      join(dir.path, packed?.filename ?? ''),
      `@grpc/grpc-js@${version}`,
    ],
    { cwd: project },
  );
  await writeFile(join(project, 'main.js'), program);
  const run = await execa(process.execPath, ['main.js'], { cwd: project, timeout: 30_000 });
  expect(run.stdout).toBe('{"text":"installed"}');

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
