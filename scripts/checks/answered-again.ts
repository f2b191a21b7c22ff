import { formatDuration } from '../common/duration.ts';
import { type History, type Outage, outageOf } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { hangingAt } from './hanging.ts';

/** What was said beforehand of the time from a server's Ready to a client's first answer. */
export type Recovery = {
  /** At most this. */
  withinMs: number;
  /** Or as long again as it was down and this: the delay before a channel tries to connect again grows with it. */
  orDownAndMs?: number | undefined;
  /**
   * A client that was connecting when a pod died may wait for an answer from nobody until its kernel gives up, which takes
   * about two minutes: seen by its socket, which waits for an answer to its SYN.
   */
  mayHang: boolean;
};

type Params = { arm: string; recovery: Recovery; callsEveryMs: number };

/** An outage is one when this many calls in a row had no answer. */
const LEAST_CALLS = 3;

/** The client got answers again in the time that its way of connecting allows. */
export function answeredAgain(history: History, { arm, recovery, callsEveryMs }: Params): Finding {
  const say = sayFor('answered-again', arm);
  const outage = outageOf(history, arm);
  if ('missing' in outage) return say.unknown(outage.missing);
  const { silence, downMs, recoveryMs, readyMs } = outage;
  const untilMs = history.findLast((event) => event.type === 'mark' && event.name === 'end')?.atMs ?? readyMs;
  const silentMs = (silence.toMs ?? untilMs) - silence.fromMs;
  if (silentMs < LEAST_CALLS * callsEveryMs) {
    return say.unknown(
      `there was no outage: the longest time without an answer is ${formatDuration(silentMs)}`,
    );
  }
  const allowedMs = allowedRecoveryMs(recovery, outage);
  const within = `at most ${formatDuration(allowedMs)} expected, ${formatDuration(downMs)} without a server`;
  if (recoveryMs !== undefined && recoveryMs <= allowedMs) {
    const when =
      recoveryMs < 0 ? 'before a server was seen to be Ready' : `${formatDuration(recoveryMs)} after Ready`;
    return say.pass(`answered again ${when}, ${within}`);
  }
  const message =
    recoveryMs === undefined
      ? `no answer in ${formatDuration(untilMs - readyMs)} after Ready, ${within}`
      : `answered again ${formatDuration(recoveryMs)} after Ready, ${within}`;
  if (recoveryMs === undefined && untilMs < readyMs + allowedMs)
    return say.unknown(`${message}: the run ended before that`);
  const { lastMs = 0, atLast } = hangingAt(history, arm, readyMs, silence.toMs ?? untilMs);
  return recovery.mayHang && atLast
    ? say.pass(
        `${message}, but its connecting hangs, as it may: SYN_SENT ${formatDuration(lastMs - readyMs)} after Ready`,
      )
    : say.fail(message);
}

export const allowedRecoveryMs = (
  { withinMs, orDownAndMs }: Recovery,
  { downMs }: Pick<Outage, 'downMs'>,
): number => Math.max(withinMs, orDownAndMs === undefined ? 0 : downMs + orDownAndMs);
