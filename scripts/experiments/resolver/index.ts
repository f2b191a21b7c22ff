// Scales the servers of several arms whose clients learn of new pods in different ways.
import { Option } from '@commander-js/extra-typings';
import {
  duration,
  durationOption,
  durations,
  integer,
  positiveDurationOption,
} from '../../common/options.ts';
import { scaleFault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import { deadlineOption, rateOption, warmupOption } from '../options.ts';
import { judgeResolver } from './judge.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';
import { describeWays, longestBoundMs, scalingOrder, type Way, waysOf } from './ways.ts';

const resolver: Experiment = {
  name: 'resolver',
  order: 40,
  question: 'How soon does a new pod get its first call: DNS and max age, DNS polling, or a watch?',
  about: [
    'Deployments of greeter-server go from --from to --to replicas under steady',
    'load. Each has a client that learns of new pods in another way: dns-max-age,',
    'bare grpc-js, which asks DNS again when a connection ends; dns-poll-…, of',
    'grpc-kit, which asks DNS at an interval (an arm for each that --poll names);',
    'watch, of grpc-kit, which watches EndpointSlices (kubernetes:///).',
    'In the control, dns-only, bare grpc-js keeps its connections: its new pods get',
    'nothing.',
  ].join('\n'),
  use: [
    'Where a client may ask the Kubernetes API, watch EndpointSlices: new pods are',
    'called within tenths of a second. Where it may not, poll DNS at the interval',
    'that you can wait. Max age with DNS is the way that needs no change in',
    'clients.',
  ].join('\n'),
  figures: ['requests-dns-max-age', 'requests-watch'],
  options: (command) => {
    const own = command
      .option('--from <n>', 'server replicas of each arm before', integer(1, 50), 2)
      .option('--to <n>', 'server replicas of each arm after', integer(2, 50), 4)
      .addOption(rateOption(60))
      .option('--burst <n>', 'calls that a client starts at once', integer(1, 1000), 1)
      .addOption(positiveDurationOption('--max-connection-age', 'of the servers of dns-max-age', '10s'))
      .addOption(durationOption('--dns-floor', 'least time between two DNS resolutions of grpc-js', '30s'))
      .addOption(
        new Option('--poll <durations>', 'intervals of DNS polling, an arm for each')
          .argParser(durations)
          .default([5000, 30_000], '5s,30s'),
      )
      .addOption(deadlineOption())
      .addOption(warmupOption(5))
      .option(
        '--window <duration>',
        'observation after the last change; default: the longest prediction',
        duration,
      )
      .option(
        '--seed <n>',
        'for the random moments at which clients start; default: another each time',
        integer(0),
      );
    return { command: own, plan: () => plan(parametersOf(own.opts(), longestBoundMs)) };
  },
};
export default resolver;

function plan(parameters: Parameters): Plan {
  const ways = waysOf(parameters);
  refuseWhatTellsNothing(parameters, longestBoundMs(parameters));
  return {
    parameters,
    prediction: describeWays(ways),
    arms: ways.map(({ name, serverAgeMs }) => ({
      name,
      servers: parameters.from,
      clients: 1,
      serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: serverAgeMs?.toString() },
    })),
    run: (stage) => run(stage, parameters, ways),
    judge: (history) => judgeResolver(history, parameters, ways),
  };
}

async function run(stage: Stage, parameters: Parameters, ways: readonly Way[]): Promise<void> {
  const { from, to, ratePerSecond, burst, deadlineMs } = parameters;
  const clients = new Map(ways.map(({ name, client }) => [name, client]));
  await stage.startWorkloads(
    (arm) => ({
      target: '',
      ...clients.get(arm),
      ratePerSecond,
      burst,
      deadlineMs,
      retry: RETRY_UNAVAILABLE,
    }),
    { spreadMs: parameters.startSpreadMs, dnsName: (arm) => `greeter-headless-${arm}` },
  );
  await stage.observe('warm-up', parameters.warmupMs);
  await stage.observe('baseline', parameters.baselineMs);
  const faults = scalingOrder(ways).map((group) =>
    group.map((arm) => scaleFault(stage.api, { arm, deployment: `greeter-server-${arm}`, from, to })),
  );
  await stage.inject(faults, to);
  await stage.observe('window', parameters.windowMs);
}
