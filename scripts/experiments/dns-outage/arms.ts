// Clients that have a connection when DNS breaks, and clients that begin while it is broken: an arm each.
import { GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import { NAMESPACE } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import { between, type History, type Part } from '../../history/index.ts';
import type { ArmPlan } from '../../stage/index.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import { type Parameters, POLL_MS, pollRecoveryMs, recoveryBoundMs } from './parameters.ts';

/** Marks of the parts of the run. */
export const BROKEN = 'DNS broken';
export const MENDED = 'DNS mended';

/** In which nobody answers as it should: while it breaks and is mended, what is broken and what is not both answer. */
export const brokenPart = (history: History): Part => between(history, BROKEN, `${BROKEN} over`);

/** Connected before. */
export const CONNECTED = ['connected', 'max-age', 'poll'] as const;
/** They begin while DNS is broken; `late-address`, the control, has no name to resolve. */
export const LATE = ['late', 'late-poll', 'late-watch', 'late-address'] as const;
export type ArmName = (typeof CONNECTED)[number] | (typeof LATE)[number];

export const CONTROL: ArmName = 'late-address';

/** Whose servers all call but those of `max-age`, which have to age. */
export const SERVERS: ArmName = 'connected';

export const serviceOf = (arm: ArmName): string =>
  `greeter-headless-${arm === 'max-age' ? 'max-age' : SERVERS}`;

/** What grpc-kit says, once, when it cannot ask. */
export const KEEPING = 'addresses known';

/** @param address an IPv4 address of a server, for the arm without a name. */
export function clientOf(
  arm: ArmName,
  parameters: Parameters,
  address: string | undefined,
): Omit<WorkloadRequest, 'id'> {
  const { ratePerSecond, deadlineMs, dnsFloorMs } = parameters;
  const load = {
    ratePerSecond,
    deadlineMs,
    retry: RETRY_UNAVAILABLE,
    channelOptions: { 'grpc.dns_min_time_between_resolutions_ms': dnsFloorMs },
  };
  if (arm === 'late-address') {
    if (address === undefined) throw new Error('no server has an address');
    return { ...load, target: `ipv4:${address}:${GRPC_PORT}` };
  }
  const name = `${serviceOf(arm)}.${NAMESPACE}`;
  if (arm === 'late-watch') return { ...load, stack: 'kit', target: `kubernetes:///${name}:grpc` };
  if (arm === 'poll' || arm === 'late-poll') {
    const target = `dns-poll:///${name}.svc.cluster.local.:${GRPC_PORT}?interval=${POLL_MS}ms`;
    return { ...load, stack: 'kit', target };
  }
  return { ...load, target: `dns:///${serviceOf(arm)}:${GRPC_PORT}` };
}

export const plansOf = ({ servers, maxConnectionAgeMs }: Parameters): ArmPlan[] =>
  [...CONNECTED, ...LATE].map((name) => {
    const age = name === 'max-age' ? maxConnectionAgeMs.toString() : undefined;
    const own = name === SERVERS || name === 'max-age';
    return {
      name,
      clients: 1,
      servers: own ? servers : 0,
      serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: age },
      ...(own ? {} : { serversOf: SERVERS }),
    };
  });

const HOW: Record<Parameters['by'], (parameters: Parameters) => string> = {
  down: () => 'is down',
  SERVFAIL: () => 'answers everything with SERVFAIL',
  NXDOMAIN: () => 'answers everything with NXDOMAIN',
  slow: ({ delayMs }) => `takes ${formatDuration(delayMs)} to answer`,
};

/** The prediction for people, in lines of at most 80 columns. */
export function describeArms(parameters: Parameters): string {
  const { by, holdMs, maxConnectionAgeMs } = parameters;
  const lines = [
    'connected: no call fails. A name is resolved for a connection, and this one has its connections.',
    `max-age: its connections end every ${formatDuration(maxConnectionAgeMs)}; until it is resolved again a name stays ` +
      'what it was, and the same servers are connected to again. No call fails.',
    `poll: asks all the time (grpc-kit, every ${formatDuration(POLL_MS)}), and keeps what it knows when there is no answer: no ` +
      `call fails${by === 'slow' ? '' : ', and it says once that it cannot ask'}.`,
    `late: begins while DNS is broken: ${by === 'slow' ? lateWhenSlow(parameters) : lateWhenBroken(parameters)}`,
    `late-poll: begins then too, and asks all the time: ${by === 'slow' ? 'as late' : latePollWhenBroken(parameters)}.`,
    'late-watch: begins then too, with a watch of the API (grpc-kit), whose address needs no DNS: no call fails.',
    `${CONTROL}: begins then too, with the address of a server in its target: no call fails.`,
  ];
  const intro = `For ${formatDuration(holdMs)} the DNS of the cluster ${HOW[by](parameters)}.`;
  return [intro, ...lines.map((line) => wrap(line, '  ', ''))].join('\n');
}

const lateWhenBroken = ({ holdMs }: Parameters): string =>
  'every call fails. Once DNS is mended it is answered within as long again as DNS was ' +
  `broken (some seconds more than ${formatDuration(holdMs)}), a fifth of that and ${formatDuration(recoveryBoundMs(0))}: ` +
  'a name is asked for again at growing intervals.';

const latePollWhenBroken = (parameters: Parameters): string =>
  `every call fails. Once DNS is mended it is answered within ${formatDuration(pollRecoveryMs(parameters))}`;

const lateWhenSlow = ({ delayMs, deadlineMs }: Parameters): string =>
  `calls wait for the name, and those of the first ${formatDuration(delayMs - deadlineMs)} run out of time. From then on ` +
  'none fails.';
