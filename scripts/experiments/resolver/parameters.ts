// The parameters of a resolver run: defaults that depend on each other, and what is refused.
import { randomInt } from 'node:crypto';
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { EVEN, SEEING_EVEN_MS } from '../../history/index.ts';
import { refuseFewBursts } from '../load.ts';

export type Options = {
  from: number;
  to: number;
  rate: number;
  burst: number;
  maxConnectionAge: number;
  dnsFloor: number;
  poll: readonly number[];
  deadline: number;
  warmup: number;
  window?: number | undefined;
  seed?: number | undefined;
};

export type Parameters = {
  /** Server replicas of each arm before and after. */
  from: number;
  to: number;
  ratePerSecond: number;
  burst: number;
  maxConnectionAgeMs: number;
  dnsFloorMs: number;
  pollsMs: readonly number[];
  deadlineMs: number;
  startSpreadMs: number;
  warmupMs: number;
  baselineMs: number;
  windowMs: number;
  seed: number;
};

/**
 * Clients begin within this time at most. Where it is as long as the longest of their periods, each is at a random point
 * of its own when pods are added; begun together, all runs would show the same wait.
 */
const MOST_SPREAD_MS = 30_000;
const MOST_SEED = 1_000_000;

/** @param longestBoundMs of what is predicted: the window where none is given. */
export function parametersOf(
  options: Options,
  longestBoundMs: (parameters: Omit<Parameters, 'windowMs'>) => number,
): Parameters {
  const parameters = {
    from: options.from,
    to: options.to,
    ratePerSecond: options.rate,
    burst: options.burst,
    maxConnectionAgeMs: options.maxConnectionAge,
    dnsFloorMs: options.dnsFloor,
    pollsMs: options.poll,
    deadlineMs: options.deadline,
    startSpreadMs: Math.min(
      MOST_SPREAD_MS,
      Math.max(options.maxConnectionAge, options.dnsFloor, ...options.poll),
    ),
    warmupMs: options.warmup,
    baselineMs: SEEING_EVEN_MS + 2000,
    seed: options.seed ?? randomInt(MOST_SEED),
  };
  return { ...parameters, windowMs: options.window ?? longestBoundMs(parameters) };
}

/** What grpc-kit's `dns-poll:///` takes. */
const SHORTEST_POLL_MS = 100;

/** Runs whose verdict could only be `unknown` are refused before they cost two minutes. */
export function refuseWhatTellsNothing(parameters: Parameters, longestBoundMs: number): void {
  const { from, to, ratePerSecond, pollsMs, windowMs } = parameters;
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  if (to <= from) {
    throw refuse(
      `--to ${to} adds no pod to --from ${from}`,
      'Make --to larger: it is new pods that are found.',
    );
  }
  const tooShort = pollsMs.find((ms) => ms < SHORTEST_POLL_MS);
  if (tooShort !== undefined) {
    throw refuse(`--poll ${formatDuration(tooShort)} is too short`, 'Make it 100ms or more.');
  }
  if (new Set(pollsMs).size < pollsMs.length) {
    throw refuse('--poll names the same interval twice', 'Name each once: each is an arm of its own.');
  }
  refuseFewBursts(parameters);
  const neededRate = Math.ceil((EVEN.minCallsPerPod * from * 1000) / EVEN.windowMs);
  if (ratePerSecond < neededRate) {
    throw refuse(
      `--rate ${ratePerSecond} is too low to tell whether ${from} pods get even shares before the change`,
      `It takes ${EVEN.minCallsPerPod} calls per pod in ${formatDuration(EVEN.windowMs)}: --rate ${neededRate} or more.`,
    );
  }
  if (windowMs < longestBoundMs) {
    throw refuse(
      `--window ${formatDuration(windowMs)} ends before the longest of the predictions does`,
      `It takes ${formatDuration(longestBoundMs)}, or shorter --poll, --max-connection-age and --dns-floor.`,
    );
  }
}
