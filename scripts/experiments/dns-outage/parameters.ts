// The parameters of a dns-outage run: defaults that depend on each other.

import { MIN_CALLS } from '../../checks/index.ts';
import type { DnsFailure } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { SEEING_EVEN_MS } from '../../history/index.ts';
import { FIRST_BACKOFF_MS, SLACK_MS } from '../dns-period.ts';
import { refuseTooFewPerPod } from '../load.ts';

export type Options = {
  by: DnsFailure;
  hold: number;
  servers: number;
  maxConnectionAge: number;
  dnsFloor: number;
  rate: number;
  deadline: number;
  warmup: number;
  seed: number;
};

export type Parameters = {
  by: DnsFailure;
  /** How long DNS is broken when it is. */
  holdMs: number;
  /** Of each arm that has some of its own. */
  servers: number;
  /** Of the servers of one arm. */
  maxConnectionAgeMs: number;
  dnsFloorMs: number;
  /** Of each client. */
  ratePerSecond: number;
  deadlineMs: number;
  startSpreadMs: number;
  warmupMs: number;
  baselineMs: number;
  /** Observed when DNS is mended. */
  windowMs: number;
  seed: number;
};

/** Longest that CoreDNS takes to be mended, as far as the window has to be long enough. */
const MENDING_MS = 20_000;
/** Each delay is 1.6 times the last, and up to 20 % more. */
const JITTER = 1.2;

/**
 * Longest from DNS mended to the answers of a client that has asked in vain for so long: the delay that it is in is no
 * longer than all before it and the first.
 */
export const recoveryBoundMs = (brokenMs: number): number =>
  JITTER * (brokenMs + FIRST_BACKOFF_MS) + SLACK_MS;

export function parametersOf(options: Options): Parameters {
  return {
    by: options.by,
    holdMs: options.hold,
    servers: options.servers,
    maxConnectionAgeMs: options.maxConnectionAge,
    dnsFloorMs: options.dnsFloor,
    ratePerSecond: options.rate,
    deadlineMs: options.deadline,
    startSpreadMs: 1000,
    warmupMs: options.warmup,
    baselineMs: SEEING_EVEN_MS + 2000,
    windowMs: recoveryBoundMs(options.hold + MENDING_MS) + 2000,
    seed: options.seed,
  };
}

/** Runs whose verdict could only be `unknown` are refused before they cost two minutes. */
export function refuseWhatTellsNothing(parameters: Parameters): void {
  const { ratePerSecond, holdMs, maxConnectionAgeMs, deadlineMs, startSpreadMs } = parameters;
  refuseTooFewPerPod(parameters);
  const shareMs = deadlineMs + startSpreadMs + (1000 * MIN_CALLS) / ratePerSecond;
  const neededMs = Math.max(shareMs, 2 * maxConnectionAgeMs);
  if (holdMs < neededMs) {
    throw new LabError('usage', `--hold ${formatDuration(holdMs)} is too short to see who notices`, {
      hint: `It takes two connection ages, and ${MIN_CALLS} calls that have ended: ${formatDuration(neededMs)} or more.`,
    });
  }
}
