// The layer rules catch what they forbid, and the script that applies them notices when it has seen nothing.
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../scripts/cluster/lab.ts';
import { tempDir } from './support/temp-dir.ts';

/** A small repository in which each layer imports what it may. */
const ALLOWED = {
  'scripts/command.ts': "import '#../scripts/experiments/index.ts';",
  'scripts/experiments/index.ts':
    "import '#../scripts/workload/index.ts'; import '#../scripts/checks/index.ts';",
  'scripts/workload/index.ts':
    "import '#../scripts/history/index.ts'; import '#../services/protocol/index.ts';",
  'scripts/checks/index.ts': "import '#../scripts/history/index.ts';",
  'scripts/report/index.ts': "import '#../scripts/common/index.ts';",
  'scripts/history/index.ts': "import '#../scripts/common/index.ts';",
  'scripts/cluster/lab.ts': "import '#../scripts/common/index.ts';",
  'scripts/common/index.ts': "import 'node:fs';",
  'services/protocol/index.ts': 'export type Nothing = undefined;',
  'services/common/index.ts': "import '#../services/protocol/index.ts';",
  'services/greeter-server/main.ts': "import '#../services/common/index.ts';",
  'services/greeter-client/main.ts': "import '#../services/common/index.ts';",
};

let dir: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  dir = await tempDir();
});
afterAll(() => dir[Symbol.asyncDispose]());

let made = 0;

/** Runs the check on a small repository with these files more. */
async function check(more: Record<string, string> = {}, config?: (text: string) => string) {
  made += 1;
  const root = join(dir.path, `${made}`);
  for (const [file, text] of Object.entries({ ...ALLOWED, ...more })) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    const up = '../'.repeat(file.split('/').length - 1);
    await writeFile(join(root, file), text.replaceAll('#../', up.replace(/^$/, './')));
  }
  for (const file of ['scripts/check-layers.ts', 'tsconfig.json', 'package.json']) {
    await cp(join(ROOT, file), join(root, file));
  }
  const rules = await readFile(join(ROOT, '.dependency-cruiser.cjs'), 'utf8');
  await writeFile(join(root, '.dependency-cruiser.cjs'), config ? config(rules) : rules);
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  return execa(process.execPath, ['scripts/check-layers.ts'], { cwd: root, reject: false });
}

describe('the layers', () => {
  it('may import what is below them', async () => {
    const { stdout, stderr, exitCode } = await check();
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^layers: 13 files, \d+ imports, no violation$/);
    expect(exitCode).toBe(0);
  });

  it('may import nothing else: every rule catches its violation', async () => {
    const forbidden: [string, string, string][] = [
      ['layers-common', 'scripts/common/a.ts', 'scripts/history/index.ts'],
      ['layers-history', 'scripts/history/a.ts', 'scripts/cluster/lab.ts'],
      ['layers-cluster', 'scripts/cluster/a.ts', 'scripts/report/index.ts'],
      ['layers-report', 'scripts/report/a.ts', 'scripts/checks/index.ts'],
      ['layers-checks', 'scripts/checks/a.ts', 'scripts/workload/index.ts'],
      ['layers-diagnosis', 'scripts/diagnosis/a.ts', 'scripts/checks/index.ts'],
      ['layers-workload', 'scripts/workload/a.ts', 'scripts/experiments/index.ts'],
      ['layers-faults', 'scripts/faults/a.ts', 'scripts/workload/index.ts'],
      ['layers-experiments', 'scripts/experiments/a.ts', 'scripts/command.ts'],
      ['checks-are-pure', 'scripts/checks/b.ts', 'scripts/cluster/lab.ts'],
      ['checks-are-pure', 'scripts/checks/c.ts', 'node:fs'],
      ['services-stand-alone', 'services/common/a.ts', 'scripts/common/index.ts'],
      ['scripts-know-the-protocol-only', 'scripts/workload/b.ts', 'services/common/index.ts'],
      ['protocol-stands-alone', 'services/protocol/a.ts', 'services/common/index.ts'],
      ['servers-and-clients-apart', 'services/greeter-server/a.ts', 'services/greeter-client/main.ts'],
      ['resolvable', 'scripts/common/b.ts', 'scripts/common/not-there.ts'],
    ];
    const files = forbidden.map(([, from, to]) => [
      from,
      `import ${to.startsWith('node:') ? `'${to}'` : `'#../${to}'`};`,
    ]);
    const { stderr, exitCode } = await check({
      ...Object.fromEntries(files),
      // Types are imports, too.
      'scripts/common/c.ts':
        "import type { Nothing } from '#../services/common/types.ts'; export type X = Nothing;",
      'services/common/types.ts': 'export type Nothing = undefined;',
      'scripts/common/d.ts': "import './e.ts';",
      'scripts/common/e.ts': "import './d.ts';",
    });
    for (const [rule, from] of forbidden) expect(stderr).toContain(`${rule}: ${from} → `);
    expect(stderr).toContain(
      'scripts-know-the-protocol-only: scripts/common/c.ts → services/common/types.ts',
    );
    expect(stderr).toMatch(/no-cycles: scripts\/common\/[de]\.ts → /);
    expect(exitCode).toBe(1);
  });

  it('are not content with files that were never seen', async () => {
    const { stderr, exitCode } = await check({}, (rules) =>
      rules.replace(/exclude: \{ path: '[^']*' \}/, "exclude: { path: '^scripts/report/' }"),
    );
    expect(stderr).toContain('not seen by dependency-cruiser: scripts/report/index.ts');
    expect(exitCode).toBe(1);
  });

  it('are not content with files of which no import was seen', async () => {
    const none = Object.fromEntries(Object.keys(ALLOWED).map((file) => [file, 'export {};']));
    const { stderr, exitCode } = await check(none);
    expect(stderr).toMatch(/13 files with \d imports: they were not parsed/);
    expect(exitCode).toBe(1);
  });
});
