// Compares max connection ages, and floors between DNS resolutions: how soon a new pod is found, and what it costs.
import { Option } from '@commander-js/extra-typings';
import { GRPC_PORT } from '../../../services/protocol/index.ts';
import { durationOption, durations, integer, positiveDurationOption } from '../../common/options.ts';
import { scaleFault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import { deadlineOption, rateOption, seedOption, warmupOption } from '../options.ts';
import { judgeConnectionAge } from './judge.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';
import { describeSettings, longestBoundMs, type Setting, settingsOf } from './settings.ts';

const connectionAge: Experiment = {
  name: 'connection-age',
  order: 30,
  question: 'What is the best MaxConnectionAge?',
  about: [
    'Deployments side by side, each with another max connection age, and some with',
    'another floor between two DNS resolutions. First all is steady, for what',
    'reconnecting costs: connections a second, CPU, latency. Then replicas are added',
    'to each, for how soon the slowest client calls them. In the control, no-age, no',
    'connection ages: it costs nothing, and new pods get nothing.',
    'From what a connection cost here a range of ages follows for --your-replicas,',
    '--your-rate and --your-floor: a model, as is that of a fleet beside it.',
  ].join('\n'),
  use: [
    'Take an age from the range for your own numbers (--your-replicas,',
    '--your-clients, --your-rate, --your-floor, --your-target). In grpc-js an age',
    'below the floor of 30 s finds no pod sooner, it only costs more: lower both, or',
    'neither. Connections are made in the clear here: with TLS each costs more CPU,',
    'and the least age is longer.',
  ].join('\n'),
  figures: ['plot-1', 'plot-2'],
  options: (command) => {
    const own = command
      .addOption(
        new Option('--ages <durations>', 'max connection ages, an arm for each')
          .argParser(durations)
          .default([1000, 5000, 15_000, 45_000], '1s,5s,15s,45s'),
      )
      .addOption(
        positiveDurationOption('--floor', 'least time between two DNS resolutions of these arms', '1s'),
      )
      .addOption(
        new Option('--floors <durations>', 'other floors, an arm for each, with the second age')
          .argParser(durations)
          .default([10_000, 30_000], '10s,30s'),
      )
      .option('--servers <n>', 'server replicas of each arm', integer(1, 20), 3)
      .option('--added <n>', 'replicas that are added to each', integer(1, 20), 1)
      .option('--clients <n>', 'client pods of each arm', integer(1, 20), 2)
      .addOption(rateOption(20))
      .addOption(durationOption('--steady', 'before replicas are added', '45s'))
      .addOption(deadlineOption(5))
      .addOption(warmupOption(10))
      .option('--your-replicas <n>', 'what an age is wanted for: server replicas', integer(1), 10)
      .option('--your-clients <n>', 'client processes', integer(1), 20)
      .option('--your-rate <n>', 'calls a second of each client', integer(1), 100)
      .addOption(durationOption('--your-floor', 'least time between two of their DNS resolutions', '30s'))
      .addOption(
        positiveDurationOption('--your-target', 'within which a new pod should be called by all', '1m'),
      )
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default connectionAge;

function plan(parameters: Parameters): Plan {
  refuseWhatTellsNothing(parameters);
  const settings = settingsOf(parameters);
  const { servers, clients } = parameters;
  return {
    parameters,
    prediction: describeSettings(settings),
    arms: settings.map(({ name, maxConnectionAgeMs }) => ({
      name,
      servers,
      clients,
      serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: maxConnectionAgeMs?.toString() },
      clientCpu: '50m',
    })),
    run: (stage) => run(stage, parameters, settings),
    judge: (history) => judgeConnectionAge(history, parameters, settings),
  };
}

/** Arms that change at the same time: more pods that start at once would take the CPU from the calls. */
const TOGETHER = 2;

async function run(stage: Stage, parameters: Parameters, settings: readonly Setting[]): Promise<void> {
  const { servers: from, added, warmupMs, steadyMs } = parameters;
  const arms = settings.map(({ name }) => name);
  const floors = new Map(settings.map(({ name, dnsFloorMs }) => [name, dnsFloorMs]));
  await stage.startWorkloads(
    (arm) => ({
      target: `dns:///greeter-headless-${arm}:${GRPC_PORT}`,
      ratePerSecond: parameters.ratePerSecond,
      deadlineMs: parameters.deadlineMs,
      channelOptions: { 'grpc.dns_min_time_between_resolutions_ms': floors.get(arm) ?? 0 },
      retry: RETRY_UNAVAILABLE,
    }),
    { spreadMs: parameters.startSpreadMs, dnsName: (arm) => `greeter-headless-${arm}` },
  );
  await stage.observe('warm-up', warmupMs);
  await stage.readCpu(arms);
  await stage.observe('steady', steadyMs);
  await stage.readCpu(arms);
  // Those that take longest first: the others converge while they do.
  const slowestFirst = settings.toSorted((a, b) => b.boundMs - a.boundMs);
  const groups = Array.from({ length: Math.ceil(arms.length / TOGETHER) }, (_, index) =>
    slowestFirst
      .slice(index * TOGETHER, (index + 1) * TOGETHER)
      .map(({ name }) =>
        scaleFault(stage.api, { arm: name, deployment: `greeter-server-${name}`, from, to: from + added }),
      ),
  );
  await stage.inject(groups, from + added);
  await stage.observe('window', longestBoundMs(settings));
}
