// npm run proof – full-length runs whose verdicts are known beforehand. Every run is reported; none is done again.
import { $ } from 'zx';
import { DEFAULT_LAB, ROOT } from './cluster/index.ts';
import { main } from './common/cli.ts';
import { formatDuration } from './common/duration.ts';
import { EXIT } from './common/errors.ts';
import { integer, labCommand, refuseMisuse } from './common/options.ts';
import { paintOut } from './common/terminal.ts';
import { RunDocument } from './report/index.ts';

type Case = { args: string[]; expected: 'pass' | 'fail'; because: string };

const command = labCommand('proof', 'Run the main experiment at full length, and the runs that must fail.')
  .option('--runs <n>', 'of the one that must pass', integer(1, 100), 10)
  .option('--name <name>', 'name of the lab', DEFAULT_LAB)
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'proof');
  const { runs, name } = command.opts();
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
    const right = await prove(each, name);
    if (right) asExpected += 1;
  }
  process.stdout.write(`${asExpected} of ${cases.length} runs came out as they should\n`);
  return asExpected === cases.length ? EXIT.pass : EXIT.fail;
});

async function prove({ args, expected, because }: Case, name: string): Promise<boolean> {
  const run = await $({
    cwd: ROOT,
    nothrow: true,
    quiet: true,
  })`${process.execPath} scripts/experiment.ts scale --json --name ${name} ${args}`;
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
