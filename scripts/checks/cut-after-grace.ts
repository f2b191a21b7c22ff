import { formatDuration } from '../common/duration.ts';
import {
  type Call,
  type Connection,
  callsStartedIn,
  connectionsOf,
  connectionsOfCall,
  endedMs,
  type History,
  type Part,
  startedMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { because, count, listOf, momentsOf } from './words.ts';

/** grpc-js and grpc-core spread a connection's age by ±10 %. */
export const AGE_JITTER = 0.1;
/** Later than it should be: timers and news of a machine that has more to do. */
const LATE_MS = 1000;
/** Clocks of client and server, and timers that drop fractions. */
const EARLY_MS = 50;

type Params = {
  arm: string;
  part: Part;
  ageMs: number;
  /** What a connection is given to end after it was told to go; 0 with `whyNever` where there is no limit. */
  graceMs: number;
  /** Why nothing may be cut, where that was predicted. */
  whyNever?: string | undefined;
};

/**
 * What was still on a connection when its age and the grace were over, counted from when it was made, was cut then, and
 * nothing was cut at another time. What goes on until the client itself ends it, after the part, was not cut.
 */
export function cutAfterGrace(history: History, { arm, part, ageMs, graceMs, whyNever }: Params): Finding {
  const say = sayFor('cut-after-grace', arm);
  const connections = connectionsOf(history, arm);
  const calls = callsStartedIn(history, arm, part.fromMs, part.untilMs);
  if (calls.length === 0) return say.unknown('no call was started');
  const [fromMs, toMs] = [ageMs * (1 - AGE_JITTER) + graceMs, ageMs * (1 + AGE_JITTER) + graceMs];
  const predicted = `${formatDuration(fromMs)} to ${formatDuration(toMs)}`;
  const moment = momentsOf(history, arm);

  const problems: string[] = [];
  const cuts: number[] = [];
  for (const call of calls) {
    const on = connectionsOfCall(connections, call);
    const last = on.at(-1);
    if (last === undefined) return say.unknown(`no connection is known of a call of ${call.source}`);
    const isOpen = endedByClient(call, part);
    if (call.code === 'OK' || isOpen) {
      const wentOnMs = Math.min(endedMs(call), isOpen ? part.untilMs : Number.POSITIVE_INFINITY);
      if (wentOnMs > last.readyMs + toMs + LATE_MS) {
        problems.push(
          `a call of ${call.source} went on until ${formatDuration(wentOnMs - last.readyMs)} after its connection was made`,
        );
      }
      continue;
    }
    const cutOn = on.find((each) => isInTime(each, endedMs(call), fromMs, toMs));
    const inWords = `${call.code} "${call.message ?? ''}" ${formatDuration(endedMs(call) - last.readyMs)} after its connection was made`;
    if (!isCut(call)) problems.push(`a call ended with ${inWords}, started ${moment(startedMs(call))}`);
    else if (cutOn === undefined) problems.push(`a call was cut: ${inWords}`);
    else cuts.push(endedMs(call) - cutOn.readyMs);
  }
  if (problems.length > 0) {
    const shown = `${count(problems.length, 'call')} otherwise than predicted, ${predicted}`;
    return say.fail(`${shown}${because(whyNever)}; ${listOf(problems, 3)}`);
  }
  if (cuts.length === 0) return say.unknown('no call lasted until it would have been cut');
  const [earliest, latest] = [Math.min(...cuts), Math.max(...cuts)].map(formatDuration);
  return say.pass(
    `${cuts.length} of ${count(calls.length, 'call')} cut, ${earliest} to ${latest} after the connection was made ` +
      `(predicted ${predicted}), no other failed`,
  );
}

/** How a call ends whose connection was lost under it, and one whose server has reset it without a status. */
export const DROPPED = { code: 'UNAVAILABLE', message: 'Connection dropped' };
export const RESET = {
  code: 'INTERNAL',
  message: 'Received RST_STREAM with code 0 (Call ended without gRPC status)',
};

export const endedAs = ({ code, message }: Call, end: { code: string; message: string }): boolean =>
  code === end.code && message === end.message;

export const isCut = (call: Call): boolean => endedAs(call, DROPPED) || endedAs(call, RESET);

/** A stream that is open for ever is ended by its client when the time is over. */
const endedByClient = (call: Call, { untilMs }: Part): boolean =>
  call.code === 'CANCELLED' && endedMs(call) >= untilMs;

const isInTime = (
  { connectingMs, readyMs }: Connection,
  atMs: number,
  fromMs: number,
  toMs: number,
): boolean => atMs >= connectingMs + fromMs - EARLY_MS && atMs <= readyMs + toMs + LATE_MS;
