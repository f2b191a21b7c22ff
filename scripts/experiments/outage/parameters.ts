// The parameters of an outage run: defaults that depend on each other, and what is refused.
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { refuseFewBursts } from '../load.ts';

export type Options = {
  servers: number;
  hold: number;
  dnsFloor: number;
  poll: number;
  reconnectBackoff: number;
  rate: number;
  freshRate: number;
  burst: number;
  deadline: number;
  waitDeadline: number;
  warmup?: number | undefined;
  window?: number | undefined;
  seed: number;
};

export type Parameters = {
  /** Of each kind of outage. */
  servers: number;
  /** How long there is no replica. */
  holdMs: number;
  /** `grpc.dns_min_time_between_resolutions_ms`; grpc-js's own default is 30 000. */
  dnsFloorMs: number;
  pollMs: number;
  /** `grpc.initial_reconnect_backoff_ms`; grpc-js's own default is 1000. */
  reconnectBackoffMs: number;
  ratePerSecond: number;
  /** Of clients that make a channel for each call. */
  freshRatePerSecond: number;
  burst: number;
  deadlineMs: number;
  /** Of calls that wait for a connection. */
  waitDeadlineMs: number;
  startSpreadMs: number;
  warmupMs: number;
  baselineMs: number;
  windowMs: number;
  seed: number;
};

const BASELINE_MS = 4000;
const SHORTEST_MS = 5000;

/** @param longestRecoveryMs of what is predicted: the window where none is given. */
export function parametersOf(
  options: Options,
  longestRecoveryMs: (parameters: Pick<Parameters, 'dnsFloorMs' | 'pollMs' | 'holdMs'>) => number,
): Parameters {
  const timing = { dnsFloorMs: options.dnsFloor, pollMs: options.poll, holdMs: options.hold };
  return {
    ...timing,
    servers: options.servers,
    reconnectBackoffMs: options.reconnectBackoff,
    ratePerSecond: options.rate,
    freshRatePerSecond: options.freshRate,
    burst: options.burst,
    deadlineMs: options.deadline,
    waitDeadlineMs: options.waitDeadline,
    startSpreadMs: 1000,
    // A channel that has just resolved is held back by that: a floor has to pass before anything changes.
    warmupMs: options.warmup ?? Math.max(SHORTEST_MS, options.dnsFloor - BASELINE_MS + 1000),
    baselineMs: BASELINE_MS,
    windowMs: options.window ?? longestRecoveryMs(timing) + 3000,
    seed: options.seed,
  };
}

const SHORTEST_HOLD_MS = 3000;

/** Runs whose verdict could only be `unknown`, or would show nothing, are refused before they cost two minutes. */
export function refuseWhatTellsNothing(parameters: Parameters, longestRecoveryMs: number): void {
  const { holdMs, ratePerSecond, freshRatePerSecond, deadlineMs, waitDeadlineMs, windowMs } = parameters;
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  if (holdMs < SHORTEST_HOLD_MS) {
    throw refuse(
      `--hold ${formatDuration(holdMs)} is over before all have noticed`,
      `Make it ${formatDuration(SHORTEST_HOLD_MS)} or more.`,
    );
  }
  if (waitDeadlineMs <= deadlineMs) {
    throw refuse(
      `--wait-deadline ${formatDuration(waitDeadlineMs)} is no longer than --deadline ${formatDuration(deadlineMs)}`,
      'Make it longer: calls that wait need the time.',
    );
  }
  refuseFewBursts(parameters);
  if (freshRatePerSecond > ratePerSecond) {
    throw refuse(
      `--fresh-rate ${freshRatePerSecond} is above --rate ${ratePerSecond}`,
      'Make it less: a channel for each call costs much more.',
    );
  }
  if (windowMs < longestRecoveryMs) {
    throw refuse(
      `--window ${formatDuration(windowMs)} ends before the longest of the predictions does`,
      `It takes ${formatDuration(longestRecoveryMs)}, or a shorter --dns-floor and --poll.`,
    );
  }
}
