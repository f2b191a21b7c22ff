// The parameters of a retry run: defaults that depend on each other, and what is refused.
import { MIN_CALLS, SIGMAS, shareDeviation } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { burstFor, refuseFewBursts } from '../load.ts';
import { independentFailures, overloaded, tippingOf } from './model.ts';

export type Options = {
  servers?: number | undefined;
  rate: number;
  burst?: number | undefined;
  attempts: number;
  failureShare: number;
  overloads: readonly number[];
  refusalCost: number;
  hedgingDelay: number;
  phase: number;
  step: number;
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
  /** Calls made over calls that can be served, a step for each, in their order. */
  overloads: readonly number[];
  /** Of a refused call, where a served one costs 1. */
  refusalCost: number;
  hedgingDelayMs: number;
  throttling: { maxTokens: number; tokenRatio: number };
  phaseMs: number;
  /** Of each of `overloads`. */
  stepMs: number;
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
const SETTLE_MS = 3000;
const SHORTEST_GAP_MS = 3000;

export function parametersOf(options: Options): Parameters {
  const tokensBackMs = (1000 * THROTTLING.maxTokens) / THROTTLING.tokenRatio / options.rate;
  return {
    servers: options.servers ?? options.attempts,
    ratePerSecond: options.rate,
    burst: options.burst ?? burstFor(options.rate),
    attempts: options.attempts,
    failureShare: options.failureShare,
    overloads: options.overloads.toSorted((a, b) => a - b),
    refusalCost: options.refusalCost,
    hedgingDelayMs: options.hedgingDelay,
    throttling: THROTTLING,
    phaseMs: options.phase,
    stepMs: options.step,
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

/** Of a phase or step of so long. */
export const countedMs = (ms: number, { settleMs }: Pick<Parameters, 'settleMs'>): number =>
  ms - settleMs - TAIL_MS;

const SHORTEST_COUNTED_MS = 2500;
/** A difference between two shares that is no accident of a small model. */
const LEAST_LOSS = 0.2;
/** With less, it can be that turns never come out so: they are no dice. */
const LEAST_SICK_AGAIN = 0.15;
/** Of the least load at which servers may stay down, so that they are soon up again. */
const SURELY_WELL = 0.9;

const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
const inWords = (share: number) => `${(100 * share).toFixed(0)}%`;

/** Runs whose verdict could only be `unknown`, or would show nothing, are refused before they cost a minute. */
export function refuseWhatTellsNothing(parameters: Parameters): void {
  refuseTimes(parameters);
  refuseFailures(parameters);
  refuseSickness(parameters);
  refuseOverloads(parameters);
}

function refuseTimes(parameters: Parameters): void {
  const { ratePerSecond, phaseMs, stepMs, settleMs, hedgingDelayMs, deadlineMs } = parameters;
  refuseFewBursts(parameters);
  for (const [option, ms] of [
    ['--phase', phaseMs],
    ['--step', stepMs],
  ] as const) {
    if (countedMs(ms, parameters) >= SHORTEST_COUNTED_MS) continue;
    const least = formatDuration(settleMs + TAIL_MS + SHORTEST_COUNTED_MS);
    throw refuse(
      `${option} ${formatDuration(ms)} is too short`,
      `Make it ${least} or more: the first ${formatDuration(settleMs)} are not counted.`,
    );
  }
  const calls = (ratePerSecond * countedMs(stepMs, parameters)) / 1000;
  if (calls < MIN_CALLS) {
    throw refuse(
      `${calls.toFixed(0)} calls in a step are too few, ${MIN_CALLS} are needed`,
      'Make --rate larger, or --step.',
    );
  }
  if (hedgingDelayMs >= deadlineMs) {
    throw refuse(
      `--hedging-delay ${formatDuration(hedgingDelayMs)} is not within --deadline ${formatDuration(deadlineMs)}`,
      'Make the deadline longer or the delay shorter.',
    );
  }
}

function refuseFailures(parameters: Parameters): void {
  const { ratePerSecond, attempts, failureShare, throttling } = parameters;
  const calls = (ratePerSecond * countedMs(parameters.phaseMs, parameters)) / 1000;
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
  if (!drainsTokens(failureShare, throttling)) {
    throw refuse(
      `--failure-share ${failureShare} does not drain the tokens of throttling`,
      `Successes give ${throttling.tokenRatio} back: make it 0.2 or more.`,
    );
  }
}

/** Whether retries elsewhere surely find the healthy server, and others surely do not always. */
function refuseSickness({ servers, attempts }: Parameters): void {
  if (servers > attempts) {
    throw refuse(
      `--attempts ${attempts} are too few to find the one of --servers ${servers} that is healthy`,
      `Take ${attempts} servers, or more attempts.`,
    );
  }
  const sickAgain = ((servers - 1) / servers) ** attempts;
  if (sickAgain < LEAST_SICK_AGAIN) {
    throw refuse(
      `with --servers ${servers} and --attempts ${attempts} a retry that goes anywhere does as well as one that goes elsewhere`,
      `Take ${attempts} servers: of calls only ${inWords(sickAgain)} would come to sick ones ${attempts} times.`,
    );
  }
}

/** Whether the steps begin where retries surely do no harm, and end where they surely do. */
function refuseOverloads({ overloads, attempts, refusalCost, throttling }: Parameters): void {
  const [lowest = 0, second] = overloads;
  const highest = overloads.at(-1) ?? 0;
  if (second === undefined || new Set(overloads).size < overloads.length) {
    throw refuse('--overloads wants two or more, each once', 'Write them as 0.5,0.8,1.1,1.25.');
  }
  const policy = { attempts, elsewhere: false };
  if (highest <= 1) {
    throw refuse(
      `--overloads up to ${highest} are none`,
      'Let the last be larger than 1, for instance 1.25.',
    );
  }
  const [kept, left] = [1, attempts].map(
    (most) => overloaded(highest, refusalCost, { attempts: most, elsewhere: false }).share,
  ) as [number, number];
  if (kept - left < LEAST_LOSS || !drainsTokens(1 - kept, throttling)) {
    throw refuse(
      `--overloads up to ${highest} with --refusal-cost ${refusalCost} leave nothing for retries to make worse, or for throttling to stop`,
      `Without them ${inWords(kept)} of calls would succeed, with them ${inWords(left)}: ` +
        'try 1.25 with --refusal-cost 0.5.',
    );
  }
  const well = SURELY_WELL * tippingOf(refusalCost, policy).from;
  if (lowest > well) {
    throw refuse(
      `--overloads from ${lowest}: with ${attempts} attempts one moment of trouble could keep servers down`,
      `Let the first be ${Math.floor(100 * well) / 100} or less: retries surely do no harm there.`,
    );
  }
}

/** Whether so many failures take more tokens than successes give back: half of them in excess, so that it is soon. */
export const drainsTokens = (failureShare: number, { tokenRatio }: Parameters['throttling']): boolean =>
  failureShare > 2 * tokenRatio * (1 - failureShare);
