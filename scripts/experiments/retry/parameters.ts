// The parameters of a retry run: defaults that depend on each other, and what is refused.
import { SIGMAS, shareDeviation } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { burstFor, refuseFewBursts } from '../load.ts';
import { independentFailures, overloaded } from './model.ts';

export type Options = {
  servers: number;
  rate: number;
  burst?: number | undefined;
  attempts: number;
  failureShare: number;
  overload: number;
  refusalCost: number;
  hedgingDelay: number;
  phase: number;
  deadline: number;
  warmup: number;
  seed: number;
};

export type Parameters = {
  /** Of each arm. */
  servers: number;
  ratePerSecond: number;
  burst: number;
  /** Of a call, the first included, where a policy makes more than one. */
  attempts: number;
  /** Share of attempts that fail while all servers fail some. */
  failureShare: number;
  /** Calls made over calls that can be served. */
  overload: number;
  /** Of a refused call, where a served one costs 1. */
  refusalCost: number;
  hedgingDelayMs: number;
  throttling: { maxTokens: number; tokenRatio: number };
  phaseMs: number;
  /** Of each phase, before it counts: tokens drain, backlogs grow. */
  settleMs: number;
  /** All is well in between: tokens come back. */
  gapMs: number;
  deadlineMs: number;
  startSpreadMs: number;
  warmupMs: number;
  seed: number;
};

/** As in gRPC proposal A6. */
const THROTTLING = { maxTokens: 10, tokenRatio: 0.1 };
const SETTLE_MS = 2000;
const SHORTEST_GAP_MS = 3000;

export function parametersOf(options: Options): Parameters {
  const tokensBackMs = (1000 * THROTTLING.maxTokens) / THROTTLING.tokenRatio / options.rate;
  return {
    servers: options.servers,
    ratePerSecond: options.rate,
    burst: options.burst ?? burstFor(options.rate),
    attempts: options.attempts,
    failureShare: options.failureShare,
    overload: options.overload,
    refusalCost: options.refusalCost,
    hedgingDelayMs: options.hedgingDelay,
    throttling: THROTTLING,
    phaseMs: options.phase,
    settleMs: SETTLE_MS,
    gapMs: Math.max(SHORTEST_GAP_MS, 2 * tokensBackMs),
    deadlineMs: options.deadline,
    startSpreadMs: 1000,
    warmupMs: options.warmup,
    seed: options.seed,
  };
}

/** Of a phase, at its end: calls that are still under way when it is over are not its own. */
export const TAIL_MS = 500;

export const countedMs = ({ phaseMs, settleMs }: Pick<Parameters, 'phaseMs' | 'settleMs'>): number =>
  phaseMs - settleMs - TAIL_MS;

const SHORTEST_COUNTED_MS = 2500;
/** A difference between two shares that is no accident of a small model. */
const LEAST_LOSS = 0.2;

/** Runs whose verdict could only be `unknown`, or would show nothing, are refused before they cost a minute. */
export function refuseWhatTellsNothing(parameters: Parameters): void {
  const { ratePerSecond, attempts, failureShare, overload, refusalCost, hedgingDelayMs, deadlineMs } =
    parameters;
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  refuseFewBursts(parameters);
  if (countedMs(parameters) < SHORTEST_COUNTED_MS) {
    const least = formatDuration(parameters.settleMs + TAIL_MS + SHORTEST_COUNTED_MS);
    throw refuse(
      `--phase ${formatDuration(parameters.phaseMs)} is too short`,
      `Make it ${least} or more: the first ${formatDuration(parameters.settleMs)} are not counted.`,
    );
  }
  if (hedgingDelayMs >= deadlineMs) {
    throw refuse(
      `--hedging-delay ${formatDuration(hedgingDelayMs)} is not within --deadline ${formatDuration(deadlineMs)}`,
      'Make the deadline longer or the delay shorter.',
    );
  }
  const calls = (ratePerSecond * countedMs(parameters)) / 1000;
  const [without, withRetry] = [1, attempts].map(
    (most) => independentFailures(failureShare, { attempts: most, elsewhere: false }).share,
  ) as [number, number];
  const byChance = SIGMAS * (shareDeviation(without, calls) + shareDeviation(withRetry, calls));
  if (withRetry - without <= byChance) {
    throw refuse(
      `in ${calls.toFixed(0)} calls with --failure-share ${failureShare} what retries gain could be chance`,
      'Make --failure-share larger, or --rate or --phase.',
    );
  }
  const { tokenRatio } = parameters.throttling;
  if (failureShare <= 2 * tokenRatio * (1 - failureShare)) {
    throw refuse(
      `--failure-share ${failureShare} does not drain the tokens of throttling`,
      `Successes give ${tokenRatio} back: make it 0.2 or more.`,
    );
  }
  if (overload <= 1)
    throw refuse(`--overload ${overload} is none`, 'Make it larger than 1, for instance 1.25.');
  const [kept, left] = [1, attempts].map(
    (most) => overloaded(overload, refusalCost, { attempts: most, elsewhere: false }).share,
  ) as [number, number];
  if (kept - left < LEAST_LOSS) {
    throw refuse(
      `--overload ${overload} with --refusal-cost ${refusalCost} leaves nothing for retries to make worse`,
      `Without them ${(100 * kept).toFixed(0)}% of calls would succeed, with them ${(100 * left).toFixed(0)}%: ` +
        'try --overload 1.25 --refusal-cost 0.5.',
    );
  }
}
