// What a person sees who types something that cannot be.
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/cluster/lab.ts';
import { type Checkout, checkout } from '../support/checkout.ts';

let here: Checkout;
beforeAll(async () => {
  here = await checkout();
});
afterAll(async () => {
  // Whatever was typed, nothing was asked of Docker or kind.
  expect(await here.fake.read()).toBe('');
  await here[Symbol.asyncDispose]();
});

/** Nothing but the pipe says that there are to be no colours. */
const PIPED = { NO_COLOR: undefined, FORCE_COLOR: undefined };

describe.concurrent('a command ends with 2 and names what is nearest', () => {
  it.each([
    ['experiment', ['scael'], "error: unknown command 'scael'\n(Did you mean scale?)"],
    ['lab-up', ['--nam', 'x'], "error: unknown option '--nam'\n(Did you mean --name?)"],
    ['experiment', ['scale', '5'], 'error: this is not understood: 5'],
    [
      'lab-up',
      ['--name', 'Foo_Bar'],
      `error: "Foo_Bar" cannot be a lab's name\n  Use up to 40 lower-case letters`,
    ],
    [
      'experiment',
      ['scale', '--from', 'many'],
      "error: option '--from <n>' argument 'many' is invalid. It must be a whole number from 1 to 200.",
    ],
    [
      'experiment',
      ['scale', '--from', '5', '--to', '5'],
      'error: --from and --to are both 5: nothing would change',
    ],
  ] as const)('%s %j', async (command, args, message) => {
    const { stdout, stderr, exitCode } = await here.run(command, args, { env: PIPED });
    expect(stderr.startsWith(message), stderr).toBe(true);
    expect(stderr).not.toContain('    at ');
    expect(stderr).not.toContain('\x1b');
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });
});

describe.concurrent('npm run', () => {
  const npm = (args: readonly string[]) =>
    execa('npm', ['run', '-s', ...args], {
      cwd: here.path,
      reject: false,
      stdin: 'ignore',
      env: { PATH: `${here.fake.dir}:${ROOT}/node_modules/.bin:${process.env.PATH}`, NO_COLOR: '1' },
    });

  it('says which options npm has taken for itself, and what to type', async () => {
    const [scale, up] = await Promise.all([
      npm(['experiment', 'scale', '--from', '5', '--to', '6']),
      npm(['lab:up', '--name', 'x']),
    ]);
    expect(scale.stderr).toMatch(
      /^error: npm took --from(, --to)? for itself\n {2}Put -- before the options: /,
    );
    expect(scale.stderr).toContain('npm run experiment -- scale --from …');
    expect(scale.exitCode).toBe(2);
    expect(up.stderr).toContain('npm took --name for itself');
    expect(up.stderr).toContain('npm run lab:up -- --name …');
    expect(up.exitCode).toBe(2);
  });
});

describe.concurrent('help', () => {
  it('lists the experiments, each with its question', async () => {
    const { stdout, exitCode } = await here.run('experiment');
    expect(stdout).toMatch(/^ {2}scale \[options\] +Do replicas that are added to a running/m);
    expect(stdout).toMatch(/^ {2}resolver \[options\] +How soon does a new pod get its first call/m);
    expect(stdout).toContain('npm run experiment NAME -- --help');
    expect(longestLine(stdout)).toBeLessThanOrEqual(80);
    expect(exitCode).toBe(0);
  });

  it('explains one experiment and its options', async () => {
    const { stdout, exitCode } = await here.run('experiment', ['scale', '--help']);
    expect(stdout).toMatch(/Scale-out:[\s\S]*--max-connection-age <duration>[\s\S]*default: 10s/);
    expect(longestLine(stdout)).toBeLessThanOrEqual(80);
    expect(exitCode).toBe(0);
  });
});

it('has colours in a pipe when it is told to', async () => {
  const { stderr } = await here.run('lab-up', ['--name', 'Foo_Bar'], { env: { ...PIPED, FORCE_COLOR: '1' } });
  expect(stderr).toContain('\x1b[31merror:\x1b[39m');
});

describe('an older Node', () => {
  const under = (version: string) =>
    execa(
      process.execPath,
      [
        '-e',
        `for (const [key, value] of Object.entries({ version: 'v${version}', versions: { node: '${version}' } }))
           Object.defineProperty(process, key, { value });
         require('./scripts/common/prepare-node.cjs')`,
      ],
      { cwd: ROOT, reject: false },
    );

  it('gets one clear line', async () => {
    const { stderr, exitCode } = await under('20.20.2');
    expect(stderr).toMatch(/^grpc-kind-lab needs Node 24 or later; this is v20\.20\.2\. .*nodejs\.org\.$/);
    expect(exitCode).toBe(2);
  });

  it('is not what Node 24 is', async () => {
    expect(await under('24.0.0')).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('is looked for by every npm script that runs TypeScript of the lab', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    const commands = Object.entries(manifest.scripts).filter(([name]) =>
      /^(lab:|experiment|incident|diagnose|bench|proof)/.test(name),
    );
    expect(commands.length).toBeGreaterThan(4);
    for (const [name, script] of commands) {
      const file = name === 'bench:diagnose' ? 'bench.ts diagnose' : `${name.replace(':', '-')}.ts`;
      expect(script).toBe(`node -r ./scripts/common/prepare-node.cjs scripts/${file}`);
    }
  });
});

const longestLine = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));
