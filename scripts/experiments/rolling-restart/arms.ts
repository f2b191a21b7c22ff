// The arms: how servers end, how soon new ones are Ready, what clients do about it; with what should come of it.
import { GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import { NAMESPACE } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import type { ArmPlan } from '../../stage/index.ts';
import { SLACK_MS } from '../dns-period.ts';
import { type Parameters, START_MS } from './parameters.ts';

/** `none`: no call fails. `few`: no more than meet a closing connection. `outage`: a stretch without any answer. */
export type Expectation =
  | { kind: 'none' }
  | { kind: 'few'; most: number }
  | { kind: 'outage'; fromMs: number; toMs: number; code?: string };

export type RestartArm = {
  /** The arm's name. */
  name: string;
  servers: {
    /** The arm whose Deployment it is: those that share one see the same restart. */
    of: string;
    end: 'graceful' | 'none' | 'force';
    slow: boolean;
    maxSurge: number;
    maxUnavailable: number;
  };
  client: Pick<WorkloadRequest, 'target' | 'stack' | 'retry' | 'channelOptions'>;
  expected: Expectation;
  /** Why, for people. */
  why: string;
};

/** Its clients lose calls by all that a restart can do to them. */
export const CONTROL = 'no-drain';

/** A second of attempts in all: longer than it takes to ask DNS and to connect. */
export const RETRY = {
  maxAttempts: 5,
  initialBackoffMs: 100,
  maxBackoffMs: 1000,
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE'],
};

const SHORT_FLOOR_MS = 1000;

/** All of them, those that have servers of their own before those that share them. */
export function restartArms(parameters: Parameters): RestartArm[] {
  const { maxSurge, maxUnavailable, drainMs, shortDrainMs, readyAfterMs, dnsFloorMs } = parameters;
  const serve = (of: string, end: 'graceful' | 'none' | 'force', slow = false) => ({
    of,
    end,
    slow,
    maxSurge,
    maxUnavailable,
  });
  const dns = (of: string, floorMs = dnsFloorMs): RestartArm['client'] => ({
    target: `dns:///greeter-headless-${of}:${GRPC_PORT}`,
    channelOptions: { 'grpc.dns_min_time_between_resolutions_ms': floorMs },
    retry: RETRY,
  });
  const { retry: _, ...dnsOnce } = dns('drain');
  const { retry: __, ...noDrainOnce } = dns('no-drain');
  const drain = serve('drain', 'graceful');
  const noDrain = serve('no-drain', 'none');
  const slow = serve('slow-ready', 'graceful', true);
  const floor = formatDuration(dnsFloorMs);
  return [
    {
      name: 'drain',
      servers: drain,
      client: dns('drain'),
      expected: { kind: 'none' },
      why:
        `a pod that has to go serves on for ${formatDuration(drainMs)}, by when a new one is Ready: the client asks DNS ` +
        'when the first connection is closed, and finds it',
    },
    {
      name: 'drain-no-retry',
      servers: drain,
      client: dnsOnce,
      expected: { kind: 'few', most: mostCrossing(parameters) },
      why: 'only calls that cross a GOAWAY on their way can be refused, and nearly all of those are sent again anyway',
    },
    {
      name: 'no-drain',
      servers: noDrain,
      client: dns('no-drain'),
      expected: outage(parameters, 0),
      why:
        'the first pod is gone at once; DNS is asked at that moment, when no new pod is Ready, and not again for ' +
        `${floor}. A retry finds no server either`,
    },
    {
      name: 'no-drain-no-retry',
      servers: noDrain,
      client: noDrainOnce,
      expected: outage(parameters, 0, 'UNAVAILABLE'),
      why: 'the same, and what is in flight is lost too',
    },
    {
      name: 'force',
      servers: serve('force', 'force'),
      client: dns('force'),
      expected: outage(parameters, 0, 'CANCELLED'),
      why: 'the same, and what is in flight ends with CANCELLED, which a retry on UNAVAILABLE does not cover',
    },
    {
      name: 'slow-ready',
      servers: slow,
      client: dns('slow-ready'),
      expected: outage(parameters, readyAfterMs),
      why:
        `the drain of ${formatDuration(shortDrainMs)} is over before a new pod is Ready: the client finds old ones only, ` +
        'all of which go before DNS may be asked again. Neither drain nor retry helps',
    },
    {
      name: 'slow-ready-floor-1s',
      servers: slow,
      client: dns('slow-ready', SHORT_FLOOR_MS),
      expected: { kind: 'none' },
      why: 'DNS is asked again whenever a connection is lost, and retries outlast the asking',
    },
    {
      name: 'slow-ready-watch',
      servers: slow,
      client: {
        stack: 'kit',
        target: `kubernetes:///greeter-headless-slow-ready.${NAMESPACE}:grpc`,
        retry: RETRY,
      },
      expected: { kind: 'none' },
      why: 'the API tells of a new pod as soon as it is Ready',
    },
    {
      name: 'slow-ready-surge',
      servers: { of: 'slow-ready-surge', end: 'graceful', slow: true, maxSurge: 1, maxUnavailable: 0 },
      client: dns('slow-ready-surge'),
      expected: { kind: 'none' },
      why: 'with maxUnavailable 0 no pod has to go before a new one is Ready, so whoever asks DNS then finds that',
    },
  ];
}

/**
 * DNS is asked when the first connection is lost, and again a floor later. The last old pod goes as long after the first
 * as a new one takes to get Ready: what is left of the floor then is the outage, however long pods drain. Calls that
 * wait when it ends are answered.
 */
const outage = (
  { dnsFloorMs, deadlineMs }: Parameters,
  readyAfterMs: number,
  code?: string,
): Extract<Expectation, { kind: 'outage' }> => ({
  kind: 'outage',
  fromMs: Math.max(1000, dnsFloorMs - readyAfterMs - START_MS - deadlineMs),
  toMs: dnsFloorMs - readyAfterMs + SLACK_MS,
  ...(code === undefined ? {} : { code }),
});

/** As many as are in flight to a pod when it closes its connection, of each pod. */
const mostCrossing = ({ servers, ratePerSecond, latencyMs, burst }: Parameters): number =>
  Math.ceil((ratePerSecond * latencyMs) / 1000) + servers * burst;

/** Many clients at low rates: what one at a high rate asks for would be more than nodes have. */
const CLIENT_CPU = '100m';

export const plansOf = (parameters: Parameters, arms: readonly RestartArm[]): ArmPlan[] =>
  arms.map(({ name, servers: { of, end, slow, maxSurge, maxUnavailable } }) => ({
    name,
    clients: 1,
    clientCpu: CLIENT_CPU,
    servers: of === name ? parameters.servers : 0,
    ...(of === name ? {} : { serversOf: of }),
    serverEnv: {
      // No connection is lost but to the restart.
      GRPC_MAX_CONNECTION_AGE_MS: undefined,
      INITIAL_LATENCY_MS: parameters.latencyMs.toString(),
      DRAIN: end,
      DRAIN_DELAY_MS: (slow ? parameters.shortDrainMs : parameters.drainMs).toString(),
      READY_AFTER_MS: slow ? parameters.readyAfterMs.toString() : undefined,
    },
    serverRollout: { maxSurge, maxUnavailable },
  }));

/**
 * Deployments in the order in which they are restarted, groups of about as many pods: those that have no drain to wait for
 * first.
 */
export function restartOrder(arms: readonly RestartArm[]): [string[], string[]] {
  const deployments = arms.filter(({ name, servers }) => servers.of === name);
  const sudden = deployments.filter(({ servers }) => servers.end !== 'graceful');
  const drained = deployments.filter((arm) => !sudden.includes(arm));
  return [sudden.map(({ name }) => name), drained.map(({ name }) => name)];
}

/** The prediction for people, in lines of at most 80 columns. */
export function describeArms(
  { servers, maxSurge, maxUnavailable, readyAfterMs }: Parameters,
  arms: readonly RestartArm[],
): string {
  const rollout =
    `All ${servers} pods of each Deployment are replaced, ${maxUnavailable} of which may be missing and ${maxSurge} too ` +
    'many at a time (of the default, 25% of each, 4 replicas make 1 and 1, 3 make 0 and 1). Slow pods are Ready ' +
    `${formatDuration(readyAfterMs)} after they have started, others at once.`;
  return [
    'What each arm loses to a rolling restart:',
    wrap(rollout, '  ', ''),
    ...arms.map((arm) => wrap(`${arm.name}: ${describe(arm.expected)}: ${arm.why}.`, '  ', '')),
  ].join('\n');
}

export function describe(expected: Expectation): string {
  switch (expected.kind) {
    case 'none':
      return 'no call fails';
    case 'few':
      return `at most ${expected.most} calls fail`;
    case 'outage':
      return `no answer for ${formatDuration(expected.fromMs)} to ${formatDuration(expected.toMs)}`;
  }
}
