// The parameters of a rolling-restart run: defaults that depend on each other, and what is refused.
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { EVEN, SEEING_EVEN_MS } from '../../history/index.ts';
import { SLACK_MS } from '../dns-period.ts';
import { refuseFewBursts } from '../load.ts';

export type Options = {
  servers: number;
  maxSurge: number;
  maxUnavailable: number;
  drain: number;
  shortDrain: number;
  readyAfter: number;
  dnsFloor: number;
  rate: number;
  burst: number;
  latency: number;
  deadline: number;
  warmup?: number | undefined;
  window?: number | undefined;
  seed: number;
};

export type Parameters = {
  /** Of each Deployment. */
  servers: number;
  maxSurge: number;
  maxUnavailable: number;
  /** How long a server that drains goes on to serve: long enough for a new one to get Ready. */
  drainMs: number;
  /** The same of servers that are slow to get Ready: not long enough. */
  shortDrainMs: number;
  /** How long slow servers take to get Ready once they have started. */
  readyAfterMs: number;
  /** `grpc.dns_min_time_between_resolutions_ms`; grpc-js's own default is 30 000. */
  dnsFloorMs: number;
  ratePerSecond: number;
  burst: number;
  /** Of every call: what is in flight when a pod goes. */
  latencyMs: number;
  deadlineMs: number;
  startSpreadMs: number;
  warmupMs: number;
  baselineMs: number;
  /** From the last restart on. */
  windowMs: number;
  seed: number;
};

/** The longest that a pod takes to get Ready beyond what it is told to. */
export const START_MS = 8000;
/** For calls to be seen when all is over. */
const SEEING_MS = 3000;
export const SHORTEST_MS = 5000;

export function parametersOf(options: Options): Parameters {
  const baselineMs = SEEING_EVEN_MS + 2000;
  const { dnsFloor, drain, shortDrain, readyAfter } = options;
  return {
    servers: options.servers,
    maxSurge: options.maxSurge,
    maxUnavailable: options.maxUnavailable,
    drainMs: drain,
    shortDrainMs: shortDrain,
    readyAfterMs: readyAfter,
    dnsFloorMs: dnsFloor,
    ratePerSecond: options.rate,
    burst: options.burst,
    latencyMs: options.latency,
    deadlineMs: options.deadline,
    startSpreadMs: 1000,
    // A channel that has just resolved is held back by that: a floor has to pass before anything changes.
    warmupMs: options.warmup ?? Math.max(SHORTEST_MS, dnsFloor - baselineMs + 1000),
    baselineMs,
    // DNS may be asked again a floor after the first connection was closed.
    windowMs: options.window ?? shortDrain + dnsFloor + SLACK_MS + SEEING_MS,
    seed: options.seed,
  };
}

/** The manifest's terminationGracePeriodSeconds is 30. */
const LONGEST_DRAIN_MS = 20_000;
/** An outage that is shorter could be a slow start. */
const SHORTEST_OUTAGE_MS = 3000;

/** Runs whose verdict could only be `unknown`, or would show nothing, are refused before they cost two minutes. */
export function refuseWhatTellsNothing(parameters: Parameters): void {
  const { servers, maxUnavailable, drainMs, shortDrainMs, readyAfterMs, dnsFloorMs } = parameters;
  const { ratePerSecond, latencyMs, deadlineMs } = parameters;
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  if (maxUnavailable > servers) {
    throw refuse(
      `--max-unavailable ${maxUnavailable} is more than --servers ${servers}`,
      'Make it as many at most.',
    );
  }
  if (maxUnavailable === 0) {
    throw refuse(
      '--max-unavailable 0 leaves no pod to go before a new one is Ready, in any arm',
      'Make it 1 or more: slow-ready-surge shows what 0 does.',
    );
  }
  if (drainMs > LONGEST_DRAIN_MS) {
    throw refuse(
      `--drain ${formatDuration(drainMs)} does not fit into the pods' grace period of 30s`,
      `Give it ${formatDuration(LONGEST_DRAIN_MS)} at most: connections have to be closed in what is left.`,
    );
  }
  if (shortDrainMs > drainMs) {
    throw refuse(
      `--short-drain ${formatDuration(shortDrainMs)} is longer than --drain ${formatDuration(drainMs)}`,
      'Make --drain longer.',
    );
  }
  if (readyAfterMs <= shortDrainMs) {
    throw refuse(
      `--ready-after ${formatDuration(readyAfterMs)} is within --short-drain ${formatDuration(shortDrainMs)}: ` +
        'no pod is slow',
      'Make --ready-after longer.',
    );
  }
  if (dnsFloorMs < readyAfterMs + SHORTEST_OUTAGE_MS) {
    throw refuse(
      `--dns-floor ${formatDuration(dnsFloorMs)} is over by the time slow pods are Ready: there is no outage`,
      `It takes ${formatDuration(readyAfterMs + SHORTEST_OUTAGE_MS)}, or a shorter --ready-after.`,
    );
  }
  refuseFewBursts(parameters);
  const neededRate = Math.ceil((EVEN.minCallsPerPod * servers * 1000) / EVEN.windowMs);
  if (ratePerSecond < neededRate) {
    throw refuse(
      `--rate ${ratePerSecond} is too low to tell whether ${servers} pods get even shares before the change`,
      `Make it ${neededRate} or more.`,
    );
  }
  if (latencyMs >= deadlineMs) {
    throw refuse(
      `--latency ${formatDuration(latencyMs)} leaves no call within --deadline ${formatDuration(deadlineMs)}`,
      'Make the deadline longer or the latency shorter.',
    );
  }
  const inFlight = (ratePerSecond * latencyMs) / 1000;
  if (inFlight < servers) {
    throw refuse(
      `--rate ${ratePerSecond} with --latency ${formatDuration(latencyMs)} leaves pods without a call to cut`,
      `There are ${inFlight.toFixed(1)} in flight at a time, over ${servers} pods: make either larger.`,
    );
  }
}
