// The kinds of outage and the ways in which clients reach servers: an arm for each pair, with what it should do.
import { GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import type { Recovery, Saying } from '../../checks/index.ts';
import { NAMESPACE } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import type { ArmPlan } from '../../stage/index.ts';
import { FIRST_BACKOFF_MS, SLACK_MS } from '../dns-period.ts';
import type { Parameters } from './parameters.ts';

/** `zero`: scaled to no replica and back; `replaced`: all pods deleted at once; `restarted`: all containers killed. */
export const KINDS = ['zero', 'replaced', 'restarted'] as const;
export type Kind = (typeof KINDS)[number];

export const WAYS = ['headless', 'headless-wait', 'clusterip', 'fresh', 'dns-poll', 'watch'] as const;
export type WayName = (typeof WAYS)[number];

/** Those that tell the most of it: a small machine cannot bear all of all. */
const WAYS_OF: Record<Kind, readonly WayName[]> = {
  zero: WAYS,
  replaced: ['headless', 'clusterip', 'watch'],
  restarted: ['headless', 'clusterip', 'watch'],
};

export type OutageArm = {
  /** The arm's name. */
  name: string;
  kind: Kind;
  way: WayName;
  /** The arm that has the servers: those of a kind share them, and so see the same outage. */
  serversOf: string;
  client: Omit<WorkloadRequest, 'id'>;
  recovery: Recovery;
  allowed: Saying[];
  expected: Saying | undefined;
  /** Whether it connects to pods that have just died: packets to them may get lost without a word. */
  mayHang: boolean;
};

/** Its servers stay. */
export const CONTROL = 'undisturbed';

/** Has the servers of its kind. */
export const ownerOf = (kind: Kind): string => `${kind}-headless`;

/**
 * Each delay is 1.6 times the last, ±20 %: what is left of one when a server can be reached is no more than all before it,
 * and the first. A server that is Ready can be reached a little later, and by then another delay may have begun.
 */
const BACKOFF = { withinMs: 0, orDownAndMs: FIRST_BACKOFF_MS + 2 * SLACK_MS };
/** grpc-kit varies each interval by so much to either side. */
const POLL_JITTER = 0.1;

const DROPPED: Saying = { code: 'UNAVAILABLE', text: /Connection dropped|closed|ECONNRESET|GOAWAY/i };
const NO_CONNECTION: Saying = { code: 'UNAVAILABLE', text: /No connection established\. Last error: / };
const REFUSED: Saying = {
  code: 'UNAVAILABLE',
  text: /No connection established\. Last error: .*ECONNREFUSED/,
};
const NO_NAME: Saying = { code: 'UNAVAILABLE', text: /Name resolution failed for target/ };
const NO_ENDPOINTS: Saying = { code: 'UNAVAILABLE', text: /endpoint/i };
const TIMED_OUT: Saying = { code: 'DEADLINE_EXCEEDED' };

/** All of them, by kind; those that have servers of their own first. */
export const outageArms = (parameters: Parameters): OutageArm[] =>
  KINDS.flatMap((kind) =>
    WAYS_OF[kind].map((way) => {
      const serversOf = ownerOf(kind);
      return {
        name: `${kind}-${way}`,
        kind,
        way,
        serversOf,
        client: clientOf(way, serversOf, parameters),
        recovery: recoveryOf(kind, way, parameters),
        ...sayingsOf(kind, way, parameters),
        mayHang: mayHang(kind, way),
      };
    }),
  );

function clientOf(way: WayName, servers: string, parameters: Parameters): OutageArm['client'] {
  const { ratePerSecond, freshRatePerSecond, burst, deadlineMs, waitDeadlineMs } = parameters;
  const load = { ratePerSecond, burst, deadlineMs };
  const channelOptions = {
    'grpc.dns_min_time_between_resolutions_ms': parameters.dnsFloorMs,
    'grpc.initial_reconnect_backoff_ms': parameters.reconnectBackoffMs,
  };
  const headless = { target: `dns:///greeter-headless-${servers}:${GRPC_PORT}`, channelOptions };
  switch (way) {
    case 'headless':
      return { ...load, ...headless };
    case 'headless-wait':
      return { ...load, ...headless, waitForReady: true, deadlineMs: waitDeadlineMs };
    case 'clusterip':
      return { ...load, target: `dns:///greeter-${servers}:${GRPC_PORT}`, channelOptions };
    case 'fresh':
      return { ...load, ...headless, ratePerSecond: freshRatePerSecond, burst: 1, channelPer: 'call' };
    case 'dns-poll':
      return {
        ...load,
        stack: 'kit',
        channelOptions,
        target:
          `dns-poll:///greeter-headless-${servers}.${NAMESPACE}.svc.cluster.local:${GRPC_PORT}` +
          `?interval=${parameters.pollMs}ms&ttl=ignore`,
      };
    case 'watch':
      return {
        ...load,
        stack: 'kit',
        channelOptions,
        target: `kubernetes:///greeter-headless-${servers}.${NAMESPACE}:grpc`,
      };
  }
}

/** Those that are told of new pods, or begin with each call, do not try the old ones. */
const mayHang = (kind: Kind, way: WayName): boolean =>
  kind !== 'restarted' && way !== 'fresh' && way !== 'watch';

type Timing = Pick<Parameters, 'dnsFloorMs' | 'pollMs' | 'holdMs'>;

function recoveryOf(kind: Kind, way: WayName, { dnsFloorMs, pollMs }: Timing): Recovery {
  if (way === 'fresh') return { withinMs: SLACK_MS, mayHang: false };
  if (kind === 'restarted') return { ...BACKOFF, mayHang: false };
  switch (way) {
    case 'clusterip':
      return { ...BACKOFF, mayHang: true };
    case 'dns-poll':
      return { withinMs: pollMs * (1 + POLL_JITTER) + SLACK_MS, mayHang: false };
    case 'watch':
      return { withinMs: SLACK_MS, mayHang: false };
    default:
      return { ...BACKOFF, withinMs: dnsFloorMs + SLACK_MS, mayHang: true };
  }
}

/** A pod that starts is Ready after so long at most, as far as a window has to be long enough. */
const START_MS = 8000;

export const longestRecoveryMs = (timing: Timing): number =>
  Math.max(
    ...KINDS.flatMap((kind) =>
      WAYS_OF[kind].map((way) => {
        const { withinMs, orDownAndMs = 0 } = recoveryOf(kind, way, timing);
        const downMs = START_MS + (kind === 'zero' ? timing.holdMs : 0);
        return Math.max(withinMs, orDownAndMs === 0 ? 0 : downMs + orDownAndMs);
      }),
    ),
  );

function sayingsOf(
  kind: Kind,
  way: WayName,
  { holdMs, waitDeadlineMs }: Parameters,
): Pick<OutageArm, 'allowed' | 'expected'> {
  switch (way) {
    case 'headless-wait':
      // Only what was in flight is not TIMED_OUT; and nothing is where the outage is shorter than the deadline.
      return {
        allowed: [DROPPED, TIMED_OUT],
        expected: holdMs > waitDeadlineMs ? TIMED_OUT : undefined,
      };
    case 'fresh':
      return { allowed: [DROPPED, NO_CONNECTION, NO_NAME, TIMED_OUT], expected: NO_NAME };
    case 'watch':
      return {
        allowed: [DROPPED, NO_CONNECTION, NO_ENDPOINTS, TIMED_OUT],
        expected: kind === 'zero' ? NO_ENDPOINTS : undefined,
      };
    case 'clusterip':
      return { allowed: [DROPPED, NO_CONNECTION, TIMED_OUT], expected: undefined };
    default:
      // Pods that are back at once may be so before a connection to them is refused.
      return {
        allowed: [DROPPED, NO_CONNECTION, TIMED_OUT],
        expected: kind === 'zero' ? REFUSED : undefined,
      };
  }
}

/** Many clients at low rates: what one at a high rate asks for would be more than nodes have. */
const CLIENT_CPU = '50m';

export function plansOf({ servers }: Parameters, arms: readonly OutageArm[]): ArmPlan[] {
  // What goes is gone at once, and no connection is lost but to that.
  const serverEnv = { GRPC_MAX_CONNECTION_AGE_MS: undefined, DRAIN: 'none' };
  return [
    ...arms.map(({ name, serversOf }) => ({
      name,
      clients: 1,
      clientCpu: CLIENT_CPU,
      serverEnv,
      servers: serversOf === name ? servers : 0,
      ...(serversOf === name ? {} : { serversOf }),
    })),
    { name: CONTROL, clients: 1, clientCpu: CLIENT_CPU, servers: 1, serverEnv },
  ];
}

/** The prediction for people, in lines of at most 80 columns. */
export function describeArms(parameters: Parameters): string {
  const { holdMs, dnsFloorMs, pollMs, waitDeadlineMs } = parameters;
  const floor = formatDuration(dnsFloorMs);
  const again = `as long again as it was down, and ${formatDuration(BACKOFF.orDownAndMs)}`;
  const lines = [
    'headless: calls fail at once with "No connection established. Last error: …", ECONNREFUSED at zero: a connected client ' +
      `keeps the addresses that it has, though DNS knows none. New ones are found within ${floor} of Ready where DNS ` +
      `still had the old ones when it was asked last, and within ${again}, where it had none: then it is asked at ` +
      'growing intervals, like connections are tried. The same addresses need no DNS.',
    `headless-wait: the same, but calls wait: they end with DEADLINE_EXCEEDED after ${formatDuration(waitDeadlineMs)} or well.`,
    `clusterip: one address that stays: within ${again}, for new pods too.`,
    `fresh: a channel for each call says "Name resolution failed for target …", and is well ${formatDuration(SLACK_MS)} ` +
      'after Ready at most.',
    `dns-poll: DNS is asked every ${formatDuration(pollMs)} ±10%, and when a connection cannot be made: up to that ` +
      'after Ready.',
    `watch: the API tells it: up to ${formatDuration(SLACK_MS)} after Ready (of the same address, when it may connect again).`,
    `${CONTROL}: its servers stay, and no call fails.`,
    'headless, headless-wait, clusterip, and dns-poll until its next answer, can hang instead, for two minutes: where ' +
      'they connect to a pod that is dying, and packets to it get lost. Then a socket waits in SYN_SENT, and calls run out of time.',
  ];
  const intro =
    `zero: no replica for ${formatDuration(holdMs)}; replaced: all pods deleted at once, others come with other addresses; ` +
    'restarted: all containers killed, the same pods come back with the same addresses. No client is restarted, and ' +
    'once answered again no call fails.';
  return [
    'What clients see in three outages:',
    wrap(intro, '  ', ''),
    ...lines.map((line) => wrap(line, '  ', '')),
  ].join('\n');
}
