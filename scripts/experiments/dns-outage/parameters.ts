// The parameters of a dns-outage run: defaults that depend on each other.

import { MIN_CALLS } from '../../checks/index.ts';
import type { DnsFailure } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { SEEING_EVEN_MS } from '../../history/index.ts';
import { FIRST_BACKOFF_MS, SLACK_MS } from '../dns-period.ts';
import { refuseTooFewPerPod } from '../load.ts';

export type Options = {
  by: DnsFailure['failure'];
  delay: number;
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
  by: DnsFailure['failure'];
  /** Of each answer, where DNS is slow. */
  delayMs: number;
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
/** Calls that may just be answered, or just be not. */
export const SHORTLY_MS = 500;
/** Each delay is 1.6 times the last, and up to 20 % more. */
const JITTER = 1.2;

/**
 * Longest from DNS mended to the answers of a client that has asked in vain for so long: the delay that it is in is no
 * longer than all before it and the first.
 */
export const recoveryBoundMs = (brokenMs: number): number =>
  JITTER * (brokenMs + FIRST_BACKOFF_MS) + SLACK_MS;

/** Between two questions of the clients that poll, give or take a tenth. */
export const POLL_MS = 1000;

/**
 * Longest from DNS mended to the answers of a client that polls: where DNS was silent, a question that is under way
 * may have to be given up first, which takes as long as it does for everyone.
 */
export const pollRecoveryMs = ({ by, holdMs }: Pick<Parameters, 'by' | 'holdMs'>): number =>
  by === 'down' ? recoveryBoundMs(holdMs) : 1.1 * POLL_MS + SLACK_MS;

export function parametersOf(options: Options): Parameters {
  return {
    by: options.by,
    delayMs: options.delay,
    holdMs: options.hold,
    servers: options.servers,
    maxConnectionAgeMs: options.maxConnectionAge,
    dnsFloorMs: options.dnsFloor,
    ratePerSecond: options.rate,
    deadlineMs: options.deadline,
    startSpreadMs: 1000,
    warmupMs: options.warmup,
    baselineMs: SEEING_EVEN_MS + 2000,
    // Nobody has to recover from DNS that was only slow.
    windowMs: options.by === 'slow' ? SLACK_MS : recoveryBoundMs(options.hold + MENDING_MS) + 2000,
    seed: options.seed,
  };
}

export const failureOf = ({ by, delayMs }: Pick<Parameters, 'by' | 'delayMs'>): DnsFailure =>
  by === 'slow' ? { failure: by, delayMs } : { failure: by };

/** A resolver asks again after 5 s: resolv.conf(5), `timeout`. */
const LONGEST_DELAY_MS = 4500;

/** Runs whose verdict could only be `unknown` are refused before they cost two minutes. */
export function refuseWhatTellsNothing(parameters: Parameters): void {
  const { ratePerSecond, holdMs, maxConnectionAgeMs, deadlineMs, startSpreadMs } = parameters;
  refuseTooFewPerPod(parameters);
  if (parameters.by === 'slow') refuseDelay(parameters);
  const shareMs = deadlineMs + startSpreadMs + (1000 * MIN_CALLS) / ratePerSecond;
  const neededMs = Math.max(shareMs, 2 * maxConnectionAgeMs);
  if (holdMs < neededMs) {
    throw new LabError('usage', `--hold ${formatDuration(holdMs)} is too short to see who notices`, {
      hint: `It takes two connection ages, and ${MIN_CALLS} calls that have ended: ${formatDuration(neededMs)} or more.`,
    });
  }
}

function refuseDelay({ delayMs, deadlineMs }: Parameters): void {
  const leastMs = deadlineMs + SHORTLY_MS;
  const refuse = (message: string, hint: string) =>
    new LabError('usage', `--delay ${formatDuration(delayMs)} ${message}`, { hint });
  if (delayMs < leastMs)
    throw refuse('is too short for a call to be lost', `Make it ${formatDuration(leastMs)} or more.`);
  if (delayMs > LONGEST_DELAY_MS)
    throw refuse('makes resolvers ask again', `Make it ${formatDuration(LONGEST_DELAY_MS)} or less.`);
}
