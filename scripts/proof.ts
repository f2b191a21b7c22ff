// npm run proof – full-length runs whose verdicts are known beforehand. Every run is reported; none is done again.
import { $ } from 'zx';
import { DEFAULT_LAB, PROVIDERS, ROOT } from './cluster/index.ts';
import { main } from './common/cli.ts';
import { formatDuration } from './common/duration.ts';
import { EXIT } from './common/errors.ts';
import { integer, labCommand, providerOption, refuseMisuse } from './common/options.ts';
import { paintOut } from './common/terminal.ts';
import { RunDocument } from './report/index.ts';

/** As this command was started. */
const NODE = [process.execPath, ...process.execArgv];

type Case = { args: string[]; expected: 'pass' | 'fail'; because: string };

const command = labCommand(
  'proof',
  'Run the main experiment at full length, and the runs that must fail; or, with --all, every experiment.',
)
  .option('--runs <n>', 'of the one that must pass', integer(1, 100), 10)
  .option('--all <n>', 'instead: rounds of every experiment with its defaults', integer(1, 100))
  .addOption(providerOption(PROVIDERS))
  .option('--name <name>', 'name of the lab', DEFAULT_LAB)
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'proof');
  const { runs, name, all, provider = 'auto' } = command.opts();
  if (all !== undefined) return proveAll(all, ['--name', name, '--provider', provider]);
  const cases: Case[] = [
    ...Array.from(
      { length: runs },
      (_, index): Case => ({ args: ['--seed', `${index + 1}`], expected: 'pass', because: '' }),
    ),
    { args: ['--from', '10', '--to', '5'], expected: 'pass', because: '' },
    { args: ['--max-connection-age', 'off'], expected: 'fail', because: 'got no call at all' },
    { args: ['--service', 'clusterip'], expected: 'fail', because: 'stays on one pod' },
    { args: ['--policy', 'pick_first'], expected: 'fail', because: 'pick_first keeps one connection' },
  ];
  let asExpected = 0;
  for (const each of cases) {
    signal.throwIfAborted();
    const right = await prove(each, ['--name', name, '--provider', provider]);
    if (right) asExpected += 1;
  }
  process.stdout.write(`${asExpected} of ${cases.length} runs came out as they should\n`);
  return asExpected === cases.length ? EXIT.pass : EXIT.fail;
});

/** Every verdict has to be `pass`: controls included, for a run with one that did not behave is `unknown`. */
async function proveAll(rounds: number, lab: readonly string[]): Promise<number> {
  const run = await $({
    cwd: ROOT,
    nothrow: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  })`${NODE} scripts/experiment.ts all --repeat ${rounds} ${lab}`;
  return run.exitCode ?? EXIT.fail;
}

async function prove({ args, expected, because }: Case, lab: readonly string[]): Promise<boolean> {
  const run = await $({
    cwd: ROOT,
    nothrow: true,
    quiet: true,
  })`${NODE} scripts/experiment.ts scale --json ${lab} ${args}`;
  const document = RunDocument.safeParse(run.stdout ? JSON.parse(run.stdout) : undefined).data;
  const reasons = document?.reasons.join('\n') ?? run.stderr;
  const right = document?.verdict === expected && reasons.includes(because);
  const [treatment] = document?.arms ?? [];
  const slowest = Math.max(
    ...(treatment?.newPods ?? []).map(
      ({ readyMs, firstCallMs }) => (firstCallMs ?? Number.NaN) - (readyMs ?? 0),
    ),
  );
  const figures = [
    Number.isFinite(slowest) ? `slowest first call ${formatDuration(slowest)} after Ready` : '',
    treatment?.latency ? `p99 ${treatment.latency.p99Ms.toFixed(1)} ms` : '',
    document?.clockErrorMs ? `clocks ±${document.clockErrorMs.toFixed(1)} ms` : '',
  ];
  const sign = right ? paintOut('green', '✔') : paintOut('red', '✖');
  const text = [
    `scale ${args.join(' ')}`,
    `${document?.verdict ?? `exit ${run.exitCode}`}, expected ${expected}`,
    ...figures,
  ];
  process.stdout.write(`${sign} ${text.filter(Boolean).join('; ')}\n${right ? '' : `${reasons}\n`}`);
  return right;
}
