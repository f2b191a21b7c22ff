// Takes all servers away in three ways while clients of six kinds call, and brings them back.
import { duration, durationOption, integer, positiveDurationOption } from '../../common/options.ts';
import { deletePodsFault, killContainerFault, scaleFault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { deadlineOption, rateOption, seedOption } from '../options.ts';
import { judgeOutage } from './judge.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';
import {
  CONTROL,
  describeArms,
  longestRecoveryMs,
  type OutageArm,
  outageArms,
  ownerOf,
  plansOf,
} from './ways.ts';

const outage: Experiment = {
  name: 'outage',
  order: 80,
  question: 'What do clients see while there is no server, and how soon are they back after Ready?',
  about: [
    'Three outages in the same minute: zero, scaled to no replica for a while and',
    'back; replaced, all pods deleted at once; restarted, all containers killed (the',
    'same pods with the same addresses). In each, clients that reach their servers by',
    'headless DNS, by a ClusterIP, and by a watch of the API (grpc-kit); at zero also',
    'by headless DNS with wait-for-ready, with a fresh channel for each call, and by',
    'dns-poll (grpc-kit). The clients of an outage share its servers, and so see the',
    'same. The servers of the control, undisturbed, stay.',
  ].join('\n'),
  use: [
    'Alert on what clients see, not on pods alone: clients come back later than the',
    'pods do, by up to the DNS floor. Lower the floor, or watch the API, where that',
    'is too long; with wait-for-ready calls wait out a short outage.',
    'A client that was connecting to a pod that died, by a ClusterIP or by DNS, may',
    'wait for an answer from nobody until its kernel gives up: about two minutes with',
    'the default net.ipv4.tcp_syn_retries, with servers there all that time. Then it',
    'comes back by itself; restart it where that is too long, or watch the API.',
  ].join('\n'),
  figures: ['requests-zero-headless', 'requests-zero-watch'],
  options: (command) => {
    const own = command
      .option('--servers <n>', 'server replicas of each outage', integer(1, 10), 2)
      .addOption(positiveDurationOption('--hold', 'that there is no replica', '10s'))
      .addOption(durationOption('--dns-floor', 'least time between two DNS resolutions of grpc-js', '30s'))
      .addOption(positiveDurationOption('--poll', 'interval of dns-poll', '30s'))
      .addOption(
        positiveDurationOption('--reconnect-backoff', 'first delay before a channel connects again', '1s'),
      )
      .addOption(rateOption(20))
      .option('--fresh-rate <n>', 'calls a second of clients with a channel for each', integer(1, 100), 5)
      .option('--burst <n>', 'calls that a client starts at once', integer(1, 1000), 2)
      .addOption(deadlineOption())
      .addOption(positiveDurationOption('--wait-deadline', 'of calls that wait for a connection', '5s'))
      .option(
        '--warmup <duration>',
        'load before the baseline is taken; default: until the DNS floor is over',
        duration,
      )
      .option(
        '--window <duration>',
        'observation when all are Ready again; default: the longest prediction',
        duration,
      )
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts(), longestRecoveryMs)) };
  },
};
export default outage;

function plan(parameters: Parameters): Plan {
  refuseWhatTellsNothing(parameters, longestRecoveryMs(parameters));
  const arms = outageArms(parameters);
  return {
    parameters,
    prediction: describeArms(parameters),
    arms: plansOf(parameters, arms),
    run: (stage) => run(stage, parameters, arms),
    judge: (history) => judgeOutage(history, parameters, arms),
  };
}

/** Enough for a process to end by itself; with none a pod's object would go before its process. */
const GRACE_SECONDS = 1;

/** At sockets, in the window: whether a client is connecting still. One more is before servers are back. */
const LOOKS = 4;

async function run(stage: Stage, parameters: Parameters, arms: readonly OutageArm[]): Promise<void> {
  const { servers, holdMs } = parameters;
  const clients = new Map(arms.map(({ name, client }) => [name, client]));
  const [undisturbed] = arms;
  await stage.startWorkloads(
    (arm) =>
      arm === CONTROL && undisturbed
        ? { ...undisturbed.client, target: undisturbed.client.target.replace(undisturbed.serversOf, CONTROL) }
        : clients.get(arm),
    {
      spreadMs: parameters.startSpreadMs,
      dnsName: (arm) =>
        arm === CONTROL || arms.some(({ serversOf }) => serversOf === arm)
          ? `greeter-headless-${arm}`
          : undefined,
    },
  );
  await stage.observe('warm-up', parameters.warmupMs);
  await stage.observe('baseline', parameters.baselineMs);
  const zero = ownerOf('zero');
  const deployment = `greeter-server-${zero}`;
  const podsOf = (arm: string) => ({ arm, pods: stage.servers(arm).map(({ pod }) => pod) });
  // The others' pods start while there are none of this one to start: together they would starve the calls.
  await Promise.all([
    stage.during(
      'no replica',
      [scaleFault(stage.api, { arm: zero, deployment, from: servers, to: 0 })],
      holdMs,
    ),
    stage.inject(
      [
        [
          deletePodsFault(stage.api, { ...podsOf(ownerOf('replaced')), graceSeconds: GRACE_SECONDS }),
          killContainerFault(stage.proxy, podsOf(ownerOf('restarted'))),
        ],
      ],
      servers,
    ),
  ]);
  const mayHang = arms.filter((arm) => arm.mayHang).map(({ name }) => name);
  await stage.readSockets(mayHang);
  await stage.allReady();
  for (let look = 0; look < LOOKS; look += 1) {
    await stage.observe('window', parameters.windowMs / LOOKS);
    await stage.readSockets(mayHang);
  }
}
