// What a limit of concurrent streams does to calls, and that it does nothing where connections are enough.
import { median } from 'simple-statistics';
import { formatDuration } from '../common/duration.ts';
import { type Call, callsOf, endedMs, type History, type Part, tookMs } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { unlessStarved } from './starved.ts';
import { count } from './words.ts';

export type StreamsParams = {
  arm: string;
  /** Since when calls were made at this rate, and how long. */
  fromMs: number;
  loadMs: number;
  ratePerSecond: number;
  /** What a server takes for a call. */
  latencyMs: number;
};

/** With fewer, figures say little. */
const MIN_CALLS = 100;
/** Of a rate or a wait that is predicted: a machine that stands still for a second is no other law. */
const MAY_BE_OFF = 0.25;
/** Calls that wait for nothing may take so many times what the server takes. */
const NO_WAIT = 1.5;

/**
 * Little's law: with so many streams of so long each, answers come at streams / latency, whatever is asked for; the rest
 * waits, and the wait grows as long as the load lasts.
 */
export function callsQueue(history: History, params: StreamsParams & { streams: number }): Finding {
  const { arm, streams, latencyMs } = params;
  const say = sayFor('calls-queue', arm);
  const seen = queueFigures(history, params);
  if (typeof seen === 'string') return say.unknown(seen);
  const predictedRate = (streams * 1000) / latencyMs;
  const grownMs = seen.lateMs - seen.earlyMs;
  // From the middle of the first quarter to that of the last.
  const predictedMs = (3 / 4) * params.loadMs * overload(params);
  const message =
    `answers came at ${seen.answersPerSecond.toFixed(1)}/s, ${streams} streams of ${formatDuration(latencyMs)} ` +
    `give ${predictedRate.toFixed(1)}/s; calls of the last quarter took ${formatDuration(seen.lateMs)}, ` +
    `${formatDuration(grownMs)} more than those of the first, predicted ${formatDuration(predictedMs)}`;
  const isNear = (value: number, predicted: number) => Math.abs(value / predicted - 1) <= MAY_BE_OFF;
  const isPredicted = isNear(seen.answersPerSecond, predictedRate) && isNear(grownMs, predictedMs);
  return isPredicted ? say.pass(message) : unlessStarved(history, seen.secondHalf, say.fail(message));
}

/** Calls take what the server takes, to the end of the load. */
export function noQueue(history: History, params: StreamsParams): Finding {
  const say = sayFor('no-queue', params.arm);
  const seen = queueFigures(history, params);
  if (typeof seen === 'string') return say.unknown(seen);
  const mostMs = params.latencyMs * NO_WAIT;
  const message =
    `calls of the last quarter took ${formatDuration(seen.lateMs)}, no more than ${formatDuration(mostMs)} ` +
    `is no queue; ${seen.open.toFixed(1)} calls were open on average`;
  return seen.lateMs <= mostMs
    ? say.pass(message)
    : unlessStarved(history, seen.secondHalf, say.fail(message));
}

/** What calls of the last quarter of the load take, in the middle of that quarter, where there is a queue. */
export const lateWaitMs = (load: Load): number => load.latencyMs + (7 / 8) * load.loadMs * overload(load);

type Load = Omit<StreamsParams, 'arm' | 'fromMs'> & { streams: number };

/** By how much longer a call waits that is made a millisecond later, in milliseconds. */
const overload = ({ ratePerSecond, latencyMs, streams }: Load): number =>
  Math.max(0, (ratePerSecond * latencyMs) / 1000 / streams - 1);

export type QueueFigures = {
  /** The second half of the load: the first one has what processes that were just started are late with. */
  secondHalf: Part;
  calls: number;
  /** Median of the first and of the last quarter of calls. */
  earlyMs: number;
  lateMs: number;
  answersPerSecond: number;
  /** By Little's law: the mean of calls that were open, those that waited included. */
  open: number;
};

/** Of the calls that were due while the load lasted; a reason, where there are none. */
export function queueFigures(
  history: History,
  { arm, fromMs, loadMs }: Pick<StreamsParams, 'arm' | 'fromMs' | 'loadMs'>,
): QueueFigures | string {
  const calls = callsOf(history, arm).filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + loadMs);
  if (calls.length < MIN_CALLS) return `${count(calls.length, 'call')} are too few, ${MIN_CALLS} are needed`;
  const quarter = (from: number) =>
    calls.filter(
      ({ atMs }) => atMs >= fromMs + (from * loadMs) / 4 && atMs < fromMs + ((from + 1) * loadMs) / 4,
    );
  const ends = calls.map(endedMs);
  const spanMs = Math.max(...ends) - Math.min(...ends);
  const middle = (of: readonly Call[]) => (of.length === 0 ? 0 : median(of.map(tookMs)));
  return {
    secondHalf: { fromMs: fromMs + loadMs / 2, untilMs: fromMs + loadMs },
    calls: calls.length,
    earlyMs: middle(quarter(0)),
    lateMs: middle(quarter(3)),
    answersPerSecond: ((calls.length - 1) * 1000) / spanMs,
    open: calls.reduce((sum, call) => sum + tookMs(call), 0) / (Math.max(...ends) - fromMs),
  };
}
