// npm run experiment – lists experiments, explains one, or runs one.
import { constants, setPriority } from 'node:os';
import { worstVerdict } from './checks/index.ts';
import {
  CAPABILITIES,
  chooseProvider,
  DEFAULT_LAB,
  describeProblem,
  labNamed,
  PROVIDERS,
  type Provider,
  readClusterConfig,
  takeLock,
  up,
} from './cluster/index.ts';
import { main, say } from './common/cli.ts';
import { EXIT, LabError } from './common/errors.ts';
import { integer, jsonOption, labCommand, providerOption, refuseMisuse } from './common/options.ts';
import { paint } from './common/terminal.ts';
import { type Experiment, findExperiments, type Plan, runPlan } from './experiments/index.ts';
import { describeRun, liveView, type RunDocument, summarise } from './report/index.ts';

const experiments = await findExperiments();
const program = labCommand(
  'experiment',
  'Run an experiment on the lab, which is brought up first if needed.',
);
program.name('npm run experiment --').usage('[name] [options]').helpCommand(false);
for (const experiment of experiments.values()) addExperiment(experiment);
if (process.argv.length === 2) {
  process.stdout.write(`${program.helpInformation()}\nFor one of them: npm run experiment NAME -- --help\n`);
  process.exit(EXIT.pass);
}
await program.parseAsync();

function addExperiment(experiment: Experiment): void {
  const command = program
    .command(experiment.name)
    .summary(experiment.question)
    .description(`${experiment.question}\n\n${experiment.about}`)
    .option('--name <name>', 'name of the lab', DEFAULT_LAB)
    .option('--node-image <image>', "image of kind's nodes, if the lab is not up yet")
    .addOption(providerOption(PROVIDERS))
    .option('--repeat <n>', 'runs, one after another; all are reported', integer(1, 1000), 1)
    .option('--debug', 'show stack traces')
    .addOption(jsonOption());
  const { plan, command: complete } = experiment.options(command as never);
  command.action(() =>
    main(async (signal) => {
      refuseMisuse(complete, 'experiment');
      const {
        name,
        nodeImage,
        provider: asked = 'auto',
        repeat,
        json,
      } = command.opts() as {
        name: string;
        nodeImage?: string;
        provider?: (typeof PROVIDERS)[number];
        repeat: number;
        json?: boolean;
      };
      // What cannot be is said before anything is looked for.
      plan(CAPABILITIES);
      const lab = labNamed(name);
      const config = await readClusterConfig(lab);
      await using _lock = await takeLock(name, `experiment ${experiment.name} (pid ${process.pid})`);
      const { provider, why } = await chooseProvider(lab, asked, nodeImage ?? process.env.LAB_NODE_IMAGE);
      if (why) say(`Provider: ${why}`);
      const planned = plan(provider.capabilities);
      refuseWithout(provider, experiment.name, planned.needs);
      const started = await up(
        lab,
        { provider, config, onProblem: (problem) => say(describeProblem(problem)) },
        signal,
      );

      // It watches on the machine that it watches: where CPU is short, what it watches comes first.
      setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
      const runs: RunDocument[] = [];
      for (let index = 0; index < repeat; index += 1) {
        say(`\n${paint('bold', experiment.question)}${repeat > 1 ? ` (${index + 1} of ${repeat})` : ''}`);
        say(`\nPrediction. ${planned.prediction}\n`);
        const run = await runPlan({
          lab: started,
          provider: provider.name,
          experiment,
          plan: planned,
          command: typed(experiment),
          live: liveView(),
          signal,
        });
        runs.push(run);
        say(json ? describeRun(run) : '');
        if (!json) process.stdout.write(`${summarise(run, process.stdout)}\n\n${describeRun(run)}\n`);
      }
      const verdict = worstVerdict(runs.map((run) => run.verdict));
      if (json)
        process.stdout.write(`${JSON.stringify(repeat > 1 ? { verdict, runs } : runs[0], null, 2)}\n`);
      else if (repeat > 1)
        process.stdout.write(`${runs.map(describeRun).join('\n')}\nworst of ${repeat}: ${verdict}\n`);
      return EXIT[verdict];
    }),
  );
}

/** @throws LabError `usage` that names what the provider cannot do. */
function refuseWithout(provider: Provider, experiment: string, needs: Plan['needs'] = []): void {
  const lacks = needs.filter((capability) => !provider.capabilities.has(capability));
  if (lacks.length === 0) return;
  throw new LabError(
    'usage',
    `${experiment} needs ${lacks.join(', ')}, which ${provider.name} does not have`,
    {
      hint: 'Use kind: --provider kind',
    },
  );
}

/** The command as it was typed. */
function typed({ name }: Experiment): string {
  const options = process.argv.slice(2).filter((word) => word !== name);
  return `npm run experiment ${name}${options.length > 0 ? ` -- ${options.join(' ')}` : ''}`;
}
