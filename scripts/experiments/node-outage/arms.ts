// Clients that notice a lost node in different ways: an arm each, all with the same servers.
import { GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import { NAMESPACE } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import type { ArmPlan } from '../../stage/index.ts';
import { NOTICED, type Parameters, PING_SLACK_MS } from './parameters.ts';

/** Marks of the parts of the run. */
export const AWAY = 'node away';
export const BACK = 'node back';

export const ARMS = ['keepalive', 'watch', 'fresh', 'no-keepalive'] as const;
export type ArmName = (typeof ARMS)[number];

export const CONTROL: ArmName = 'no-keepalive';
/** Whose servers all call. */
export const SERVERS: ArmName = 'keepalive';

/** @param clusterIp of the servers' Service: `fresh` is about connections, not about names. */
export function clientOf(
  arm: ArmName,
  parameters: Parameters,
  clusterIp: string,
): Omit<WorkloadRequest, 'id'> {
  const { deadlineMs, keepaliveMs, keepaliveTimeoutMs } = parameters;
  const load = { ratePerSecond: rateOf(arm, parameters), deadlineMs };
  const headless = `dns:///greeter-headless-${SERVERS}:${GRPC_PORT}`;
  switch (arm) {
    case 'keepalive':
      return {
        ...load,
        target: headless,
        channelOptions: {
          'grpc.keepalive_time_ms': keepaliveMs,
          'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
        },
      };
    case 'no-keepalive':
      return { ...load, target: headless };
    case 'watch':
      return { ...load, stack: 'kit', target: `kubernetes:///greeter-headless-${SERVERS}.${NAMESPACE}:grpc` };
    case 'fresh':
      return {
        ...load,
        target: `ipv4:${clusterIp}:${GRPC_PORT}`,
        channelPer: 'call',
        // As those of other processes: else all would wait for the one connection that cannot be made.
        subchannelPool: 'own',
      };
  }
}

export const rateOf = (arm: ArmName, { ratePerSecond, freshRatePerSecond }: Parameters): number =>
  arm === 'fresh' ? freshRatePerSecond : ratePerSecond;

/** All clients on one node: another can go without them. */
export const plansOf = ({ servers }: Parameters): ArmPlan[] =>
  ARMS.map((name) => ({
    name,
    clients: 1,
    clientsTogether: true,
    clientCpu: '50m',
    spread: 'strict',
    servers: name === SERVERS ? servers : 0,
    serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: undefined },
    ...(name === SERVERS ? {} : { serversOf: SERVERS }),
  }));

/** The prediction for people, in lines of at most 80 columns. */
export function describeArms(parameters: Parameters): string {
  const { by, holdMs, servers } = parameters;
  const [from, to] = [NOTICED.fromMs, NOTICED.toMs].map(formatDuration);
  const how =
    by === 'stop'
      ? 'stops, and all connections to it are closed as its processes end'
      : 'is cut off from the network, and all on it runs on';
  const intro =
    `For ${formatDuration(holdMs)} a node with one or more of ${servers} servers ${how}. Kubernetes marks them not ` +
    `ready in the EndpointSlices ${from} to ${to} later, when it has not heard of the node for so long.`;
  const lines = by === 'stop' ? whenStopped(parameters) : whenCutOff(parameters);
  return [
    'What clients see when a node is lost:',
    wrap(intro, '  ', ''),
    ...lines.map((line) => wrap(line, '  ', '')),
  ].join('\n');
}

const whenCutOff = ({ keepaliveMs, keepaliveTimeoutMs }: Parameters): string[] => [
  `keepalive: calls to it are lost for up to ${formatDuration(keepaliveMs + keepaliveTimeoutMs + PING_SLACK_MS)}: ` +
    `a ping after ${formatDuration(keepaliveMs)}, ${formatDuration(keepaliveTimeoutMs)} for its answer. Then none.`,
  'watch (of the API, grpc-kit), without keepalive: they are lost until the EndpointSlices say so. Then none.',
  'fresh: a channel for each call with a connection of its own, by ClusterIP: a share of them, by chance, is lost until ' +
    'then. Then none.',
  `${CONTROL} (control): they are lost for as long as the node is away, and then until TCP tries again, up to as long ` +
    'again: for a quarter of an hour nothing ends a connection on which nothing comes back.',
];

const whenStopped = (parameters: Parameters): string[] => [
  `keepalive, watch (of the API, grpc-kit) and ${CONTROL}: they see their connections closed, and call the others at once: ` +
    `no more than ${underWay(parameters)} calls are lost, those that are under way.`,
  'fresh: a channel for each call with a connection of its own, by ClusterIP: a share of them, by chance, is lost until the ' +
    'EndpointSlices say so. Then none.',
];

/** While its processes are ended. */
const ENDING_MS = 200;

/** Most calls of a client that are under way as the connections to a node that stops are closed. */
export const underWay = ({ ratePerSecond }: Parameters): number =>
  Math.ceil((ratePerSecond * ENDING_MS) / 1000);
