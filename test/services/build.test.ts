import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { root } from './harness.ts';

const program = join(root, 'services/build.ts');

function outdir(): string {
  const made = mkdtempSync(join(tmpdir(), 'build-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Every file by its path, with its mode. */
function filesIn(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [
        file.slice(folder.length + 1),
        `${statSync(file).mode.toString(8)} ${readFileSync(file, 'latin1')}`,
      ];
    }),
  );
}

it('builds the same bytes twice, readable by any user, and says nothing', () => {
  const [one, two] = [outdir(), outdir()];
  expect(execFileSync(process.execPath, [program, one], { encoding: 'utf8' })).toBe('');
  execFileSync('sh', ['-c', 'umask 077; exec "$@"', 'sh', process.execPath, program, two]);
  const files = filesIn(one);
  expect(Object.keys(files).sort()).toEqual([
    'greeter-client/main.js',
    'greeter-client/proto/health/v1/health.proto',
    'greeter-server/dns-relay.js',
    'greeter-server/health-probe.js',
    'greeter-server/main.js',
    'greeter-server/proto/channelz.proto',
    'greeter-server/proto/greet.proto',
    'greeter-server/proto/grpc/reflection/v1/reflection.proto',
    'greeter-server/proto/grpc/reflection/v1alpha/reflection.proto',
    'greeter-server/proto/health/v1/health.proto',
    'greeter-server/relay.js',
  ]);
  expect(filesIn(two)).toEqual(files);
  for (const contents of Object.values(files)) expect(contents.startsWith('100644 ')).toBe(true);
});

it('leaves nothing of an earlier build, and asks for where to write', () => {
  const folder = outdir();
  execFileSync('sh', ['-c', `mkdir -p ${folder}/greeter-client && touch ${folder}/greeter-client/old.js`]);
  execFileSync(process.execPath, [program, folder]);
  expect(Object.keys(filesIn(folder))).not.toContain('greeter-client/old.js');
  const { status, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 2, stderr: 'usage: node services/build.ts <outdir>\n' });
});
