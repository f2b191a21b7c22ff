// Looks at the sockets of clients and servers: leaked, queued on, idle, and dead without a word.
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { GRPC_PORT } from '../../../services/protocol/index.ts';
import type { Capability } from '../../cluster/index.ts';
import { durationOption, durationOrOff, integer, positiveDurationOption } from '../../common/options.ts';
import { wrap } from '../../common/terminal.ts';
import { freezeFault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { deadlineOption, seedOption, warmupOption } from '../options.ts';
import { type Aspect, type ConnectionArm, headlessOf } from './aspect.ts';
import { FROZEN, frozen } from './frozen.ts';
import { idle } from './idle.ts';
import { judgeConnections } from './judge.ts';
import { leaks } from './leaks.ts';
import {
  ASPECTS,
  type AspectName,
  CLAIMED,
  type Parameters,
  parametersOf,
  refuseWhatTellsNothing,
} from './parameters.ts';
import { streams } from './streams.ts';

const connections: Experiment = {
  name: 'connections',
  order: 120,
  question: 'What becomes of connections: leaked, out of streams, idle, or dead without a word?',
  about: [
    'leaks: clients that make a channel for each call, and leave it open or close',
    'it: how many connections that takes, and, on kind, until no port is left.',
    'streams: more calls than one connection has streams for, on one and on several.',
    'idle: when a connection is closed that nobody calls on.',
    'frozen: one of two servers stands still, and clients have keepalive or not.',
    'All run in the same minutes; the freeze comes last. Clients have servers of',
    'their own, but that those of streams with a limit share one, and those of',
    'frozen two.',
  ].join('\n'),
  use: [
    'Make one channel per target and keep it. Watch open connections per pod (a',
    'slope is a leak) and ports in TIME_WAIT. Set keepalive at clients that call',
    'servers that may vanish; know the stream limit of your servers, and open more',
    'connections above it.',
  ].join('\n'),
  figures: ['connections-leak-own-pool', 'connections-default-pool'],
  options: (command) => {
    const own = command
      .addOption(
        new Option('--only <aspects>', 'of leaks, streams, idle and frozen')
          .argParser(aspectNames)
          .default([...ASPECTS], 'all'),
      )
      .option('--leak-rate <n>', 'channels that a leaking client makes in a second', integer(1, 1000), 5)
      .option('--ports <n>', 'of the client that is to run out of them', integer(20, 10_000), 100)
      .option('--close-channels', 'leaking clients close their channels: nothing leaks', false)
      .option('--shared-pool', 'leaking clients take the default pool: nothing leaks', false)
      .option('--rate <n>', 'calls a second where streams are limited', integer(1, 1000), 50)
      .addOption(positiveDurationOption('--latency', 'of calls where streams are limited', '500ms'))
      .option('--max-streams <n>', 'at a time on a connection, or off', streamsOrOff, CLAIMED.maxStreams)
      .option('--connections <n>', 'where there are to be enough streams', integer(2, 50), 5)
      .addOption(
        new Option('--idle-timeout <duration>', 'of a channel without calls, or off')
          .argParser(durationOrOff)
          .default(CLAIMED.idleTimeoutMs, '2s'),
      )
      .addOption(
        new Option('--keepalive <duration>', 'between two pings, or off')
          .argParser(durationOrOff)
          .default(CLAIMED.keepaliveMs, '2s'),
      )
      .addOption(positiveDurationOption('--keepalive-timeout', 'for the answer to a ping', '1s'))
      .addOption(durationOption('--freeze', 'of one of two servers', '8s'))
      .addOption(deadlineOption())
      .addOption(positiveDurationOption('--load', 'before streams and idle stop to call', '6s'))
      .addOption(warmupOption(6))
      .addOption(seedOption());
    return { command: own, plan: (capabilities) => plan(parametersOf(own.opts()), capabilities) };
  },
};
export default connections;

const isAspect = (name: string): name is AspectName => (ASPECTS as readonly string[]).includes(name);

/** Parser of `leaks,idle`. */
function aspectNames(text: string): AspectName[] {
  const names = text.split(',').filter(Boolean);
  const known = names.filter(isAspect);
  if (names.length === 0 || known.length < names.length) {
    throw new InvalidArgumentError(`Name some of ${ASPECTS.join(', ')}, as leaks,idle.`);
  }
  return known;
}

/** Parser of a limit of streams above 0 or `off`. */
const streamsOrOff = (text: string): number | 'off' => (text === 'off' ? 'off' : integer(1, 1000)(text));

/** Calls a second that are none, in a run of minutes. */
const QUIET = 0.001;

function plan(parameters: Parameters, capabilities: ReadonlySet<Capability>): Plan {
  refuseWhatTellsNothing(parameters);
  const make: Record<AspectName, () => Aspect> = {
    leaks: () => leaks(parameters, capabilities.has('containers')),
    streams: () => streams(parameters),
    idle: () => idle(parameters),
    frozen: () => frozen(parameters),
  };
  const aspects = parameters.aspects.map((name) => make[name]());
  const arms = aspects.flatMap((aspect) => aspect.arms);
  return {
    parameters,
    prediction: [
      'By client:',
      ...aspects.flatMap(({ prediction }) => prediction).map((text) => wrap(text, '  ', '')),
    ].join('\n'),
    arms: arms.map((arm) => arm.plan),
    run: (stage) => run(stage, parameters, arms),
    judge: (history) => judgeConnections(history, aspects),
  };
}

async function run(stage: Stage, parameters: Parameters, arms: readonly ConnectionArm[]): Promise<void> {
  const { aspects, warmupMs, loadMs, quietMs, freezeMs, thawedMs, startSpreadMs } = parameters;
  const known = new Map(arms.map((arm) => [arm.plan.name, arm]));
  const leaking = arms.filter(({ client }) => client.channelPer === 'call').map(({ plan }) => plan.name);
  await stage.startWorkloads((arm) => workloadOf(known.get(arm), stage.certificateAuthority), {
    spreadMs: startSpreadMs,
    dnsName: (name) => {
      const arm = known.get(name);
      return arm && headlessOf(arm.plan);
    },
  });
  await stage.observe('warm-up', warmupMs);
  await stage.changeWorkloads((name) => {
    const arm = known.get(name);
    return arm && rateOf(arm);
  });
  await stage.readSockets(leaking);
  await stage.observe('load', loadMs);
  await stage.changeWorkloads((arm) => (known.get(arm)?.fallsQuiet ? { ratePerSecond: QUIET } : undefined));
  await stage.observe('quiet', quietMs);
  await stage.readSockets(leaking);
  if (aspects.includes('frozen')) {
    const [pod = ''] = stage.servers(FROZEN).map((server) => server.pod);
    const freeze = freezeFault(stage.proxy, { arm: FROZEN, pods: [pod], durationMs: freezeMs });
    await stage.during('frozen', [freeze], freezeMs);
    await stage.observe('thawed', thawedMs);
    await stage.readSockets(leaking);
  }
}

/** That of the load, where it is another than until now. */
const rateOf = ({ warmRate, client: { ratePerSecond } }: ConnectionArm) =>
  ratePerSecond === warmRate ? undefined : { ratePerSecond };

function workloadOf(arm: ConnectionArm | undefined, ca: string | undefined) {
  if (arm === undefined) return undefined;
  const { plan, client, warmRate } = arm;
  const target = `dns:///${headlessOf(plan)}:${GRPC_PORT}`;
  return {
    ...client,
    ratePerSecond: warmRate,
    target,
    ...(plan.serverTls && ca !== undefined ? { tls: { ca } } : {}),
  };
}
