// Stretches in which clients got no answer.
import { callsStartedIn, endedMs } from './calls.ts';
import type { History } from './events.ts';
import type { Part } from './marks.ts';

export type Silence = {
  client: string;
  /** The last answer before it, or the beginning of the part. */
  fromMs: number;
  /** The first answer after it; undefined when none came in the part. */
  toMs: number | undefined;
};

export const silenceMs = ({ fromMs, toMs }: Silence, { untilMs }: Part): number => (toMs ?? untilMs) - fromMs;

/** `beganByMs` leaves out those that begin later. */
type Which = { beganByMs?: number };

/**
 * The longest stretch of a part in which a client of the arm got no answer, whatever it asked. Answers count by when they
 * came: a call may wait out a silence. Undefined when no call was started.
 */
export function longestSilence(
  history: History,
  arm: string,
  part: Part,
  { beganByMs = Number.POSITIVE_INFINITY }: Which = {},
): Silence | undefined {
  const byClient = Map.groupBy(
    callsStartedIn(history, arm, part.fromMs, part.untilMs),
    (call) => call.source,
  );
  const silences = [...byClient].flatMap(([client, calls]) => {
    const answers = calls
      .flatMap((call) => (call.code === 'OK' ? [endedMs(call)] : []))
      .sort((a, b) => a - b);
    const starts = [part.fromMs, ...answers];
    return starts.map((fromMs, index): Silence => ({ client, fromMs, toMs: answers[index] }));
  });
  return silences
    .filter(({ fromMs }) => fromMs <= beganByMs)
    .reduce<Silence | undefined>(
      (longest, silence) =>
        longest !== undefined && silenceMs(longest, part) >= silenceMs(silence, part) ? longest : silence,
      undefined,
    );
}
