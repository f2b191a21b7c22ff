// The ways in which a client can learn of new pods: an arm each, with what it should do, said before the run.
import { GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import type { Prediction } from '../../checks/index.ts';
import { NAMESPACE } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import { SLACK_MS, scaleOutBoundMs } from '../dns-period.ts';
import type { Parameters } from './parameters.ts';

export type Way = {
  /** The arm's name. */
  name: string;
  prediction: Prediction;
  /** Max connection age of its servers. */
  serverAgeMs: number | undefined;
  client: Pick<WorkloadRequest, 'target' | 'stack' | 'channelOptions'>;
};

export const CONTROL = 'dns-only';

/** grpc-kit varies each interval by so much to either side. */
const POLL_JITTER = 0.1;

/** The EndpointSlice controller waits for 1 s in about one addition of six; the rest are tens of milliseconds. */
const WATCH_BOUND_MS = 1500;

type Timing = Pick<Parameters, 'maxConnectionAgeMs' | 'dnsFloorMs' | 'pollsMs'>;

/** All of them, the control last. */
export function waysOf({ maxConnectionAgeMs, dnsFloorMs, pollsMs }: Timing): Way[] {
  const floor = { 'grpc.dns_min_time_between_resolutions_ms': dnsFloorMs };
  const dns = (name: string): Way['client'] => ({
    target: `dns:///greeter-headless-${name}:${GRPC_PORT}`,
    channelOptions: floor,
  });
  const boundMs = scaleOutBoundMs({ maxConnectionAgeMs, dnsFloorMs });
  return [
    {
      name: 'dns-max-age',
      serverAgeMs: maxConnectionAgeMs,
      client: dns('dns-max-age'),
      prediction: upTo(
        boundMs,
        `It asks DNS again when a connection is lost (max age ${formatDuration(maxConnectionAgeMs)} ±10%), ` +
          `but not within ${formatDuration(dnsFloorMs)} of the last time: any wait up to ` +
          `${formatDuration(boundMs - SLACK_MS)} is about equally likely.`,
      ),
    },
    ...pollsMs.map((intervalMs): Way => {
      const name = `dns-poll-${compact(intervalMs)}`;
      const longestMs = intervalMs * (1 + POLL_JITTER);
      return {
        name,
        serverAgeMs: undefined,
        client: {
          stack: 'kit',
          target:
            `dns-poll:///greeter-headless-${name}.${NAMESPACE}.svc.cluster.local:${GRPC_PORT}` +
            // What is measured is the interval: records may live shorter.
            `?interval=${intervalMs}ms&ttl=ignore`,
        },
        prediction: upTo(
          longestMs + SLACK_MS,
          `It asks DNS every ${formatDuration(intervalMs)} ±10%: any wait up to that is about equally likely.`,
        ),
      };
    }),
    {
      name: 'watch',
      serverAgeMs: undefined,
      client: { stack: 'kit', target: `kubernetes:///greeter-headless-watch.${NAMESPACE}:grpc` },
      prediction: upTo(
        WATCH_BOUND_MS,
        'The API tells it of each change: tens of milliseconds, and one second more when the EndpointSlice ' +
          'controller has to try again, about once in six additions.',
      ),
    },
    {
      name: CONTROL,
      serverAgeMs: undefined,
      client: dns(CONTROL),
      prediction: {
        kind: 'never',
        why: 'no connection is lost, and nothing else makes it ask DNS again',
        boundMs,
      },
    },
  ];
}

const upTo = (toMs: number, explains: string): Prediction => ({
  kind: 'interval',
  fromMs: 0,
  toMs,
  coverage: 1,
  boundMs: toMs,
  explains,
});

/** `5s`, `1500ms`: as it can stand in a name. */
const compact = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);

export const longestBoundMs = (timing: Timing): number =>
  Math.max(...waysOf(timing).map(({ prediction }) => prediction.boundMs));

/** Waits of seconds are not disturbed by a few pods more that start at the same time. */
const MEASURED_IN_SECONDS_MS = 10_000;

/** Which arms are scaled together, one group after the other: those that are measured most closely last and alone. */
export function scalingOrder(ways: readonly Way[]): string[][] {
  const slow = ways.filter(({ prediction }) => prediction.boundMs > MEASURED_IN_SECONDS_MS);
  const close = ways
    .filter((way) => !slow.includes(way))
    .sort((a, b) => b.prediction.boundMs - a.prediction.boundMs);
  return [slow, ...close.map((way) => [way])]
    .map((group) => group.map(({ name }) => name))
    .filter((group) => group.length > 0);
}

/** The prediction for people, in lines of at most 80 columns. */
export const describeWays = (ways: readonly Way[]): string =>
  [
    "From a new pod's Ready to the first call on it, and none fails:",
    ...ways.map(({ name, prediction }) => wrap(`${name}: ${describe(prediction)}`, '  ', '')),
  ].join('\n');

const describe = (prediction: Prediction): string =>
  prediction.kind === 'never'
    ? `never: ${prediction.why}.`
    : `${formatDuration(prediction.fromMs)} to ${formatDuration(prediction.toMs)}. ${prediction.explains}`;
