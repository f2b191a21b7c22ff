// npm run experiment – lists experiments, explains one, runs one, or runs all.
import { Command } from '@commander-js/extra-typings';
import { worstVerdict } from './checks/index.ts';
import { CAPABILITIES, DEFAULT_LAB, PROVIDERS } from './cluster/index.ts';
import { main, say } from './common/cli.ts';
import { EXIT, LabError } from './common/errors.ts';
import { integer, jsonOption, labCommand, providerOption, refuseMisuse } from './common/options.ts';
import { paint } from './common/terminal.ts';
import { type Experiment, findExperiments, type OnLab, onLab, type Running } from './experiments/index.ts';
import { readState } from './incidents/index.ts';
import { describeRun, liveView, type RunDocument, summarise, summariseAll } from './report/index.ts';

const experiments = await findExperiments();
const program = labCommand(
  'experiment',
  'Run an experiment on the lab, which is brought up first if needed.',
);
program.name('npm run experiment --').usage('[name] [options]').helpCommand(false);
for (const experiment of experiments) addExperiment(experiment);
addAll();
if (process.argv.length === 2) {
  process.stdout.write(`${program.helpInformation()}\nFor one of them: npm run experiment NAME -- --help\n`);
  process.exit(EXIT.pass);
}
await program.parseAsync();

type Common = {
  name: string;
  nodeImage?: string;
  provider?: (typeof PROVIDERS)[number];
  repeat: number;
  json?: boolean;
};

function commonOptions(command: Command): Command {
  command
    .option('--name <name>', 'name of the lab', DEFAULT_LAB)
    .option('--node-image <image>', "image of kind's nodes, if the lab is not up yet")
    .addOption(providerOption(PROVIDERS))
    .option('--repeat <n>', 'runs, one after another; all are reported', integer(1, 1000), 1)
    .option('--debug', 'show stack traces')
    .addOption(jsonOption());
  return command;
}

function addExperiment(experiment: Experiment): void {
  const command = commonOptions(
    program
      .command(experiment.name)
      .summary(experiment.question)
      .description(`${experiment.question}\n\n${experiment.about}\n\n${experiment.use}`) as never,
  );
  const { plan, command: complete } = experiment.options(command as never);
  command.action(() =>
    main(async (signal) => {
      refuseMisuse(complete, 'experiment');
      const options = command.opts() as Common;
      // What cannot be is said before anything is looked for.
      plan(CAPABILITIES);
      await using lab = await onLab(options, `experiment ${experiment.name}`, signal);
      await refuseInjected(lab);
      const running: Running = { experiment, plan: plan(lab.capabilities), command: typed(experiment.name) };
      lab.refuseWithout(running);
      const runs: RunDocument[] = [];
      for (let index = 0; index < options.repeat; index += 1) {
        announce(running, options.repeat > 1 ? ` (${index + 1} of ${options.repeat})` : '');
        const run = await lab.run(running, liveView());
        runs.push(run);
        tell(run, options);
      }
      const verdict = worstVerdict(runs.map((run) => run.verdict));
      if (options.json) print(options.repeat > 1 ? { verdict, runs } : runs[0]);
      else if (options.repeat > 1)
        process.stdout.write(`${runs.map(describeRun).join('\n')}\nworst of ${options.repeat}: ${verdict}\n`);
      return EXIT[verdict];
    }),
  );
}

function addAll(): void {
  const command = commonOptions(
    program
      .command('all')
      .summary('Every question above, one after the other, on one cluster.')
      .description(
        'Runs every experiment with its defaults, one after the other, on one cluster,\nand gives one summary.',
      ) as never,
  );
  command.action(() =>
    main(async (signal) => {
      refuseMisuse(command as never, 'experiment');
      const options = command.opts() as Common;
      await using lab = await onLab(options, 'experiment all', signal);
      await refuseInjected(lab);
      const runs: RunDocument[] = [];
      const left: { experiment: string; needs: readonly string[] }[] = [];
      for (let round = 0; round < options.repeat; round += 1) {
        for (const [index, experiment] of experiments.entries()) {
          const running = withDefaults(experiment, lab.capabilities);
          const lacks = lab.lacks(running);
          if (lacks.length > 0) {
            if (round === 0) left.push({ experiment: experiment.name, needs: lacks });
            continue;
          }
          announce(running, ` (${index + 1} of ${experiments.length})`);
          const run = await lab.run(running, liveView());
          runs.push(run);
          tell(run, { json: true });
        }
      }
      const verdict = worstVerdict(runs.map((run) => run.verdict));
      if (options.json) print({ verdict, runs, left });
      else process.stdout.write(summariseAll(runs, left, process.stdout));
      return EXIT[verdict];
    }),
  );
}

/** @throws LabError `usage` where an incident would be in the way: what is measured could be of it. */
async function refuseInjected({ lab }: OnLab): Promise<void> {
  const injected = (await readState(lab.api))?.injected ?? [];
  if (injected.length === 0) return;
  throw new LabError('usage', 'an incident is injected into this lab', {
    hint: 'npm run incident -- --heal undoes it; npm run incident reveal names it.',
  });
}

function withDefaults(experiment: Experiment, capabilities: typeof CAPABILITIES): Running {
  const command = new Command().exitOverride();
  const { plan } = experiment.options(command as never);
  command.parse([], { from: 'user' });
  return {
    experiment,
    plan: plan(capabilities),
    command: `npm run experiment ${experiment.name}`,
  };
}

function announce({ experiment, plan }: Running, which: string): void {
  say(`\n${paint('bold', experiment.question)}${which}`);
  say(`\nPrediction. ${plan.prediction}\n`);
}

function tell(run: RunDocument, { json = false }: Pick<Common, 'json'>): void {
  say(json ? describeRun(run) : '');
  if (!json) process.stdout.write(`${summarise(run, process.stdout)}\n\n${describeRun(run)}\n`);
}

function print(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** The command as it was typed. */
function typed(name: string): string {
  const options = process.argv.slice(2).filter((word) => word !== name);
  return `npm run experiment ${name}${options.length > 0 ? ` -- ${options.join(' ')}` : ''}`;
}
