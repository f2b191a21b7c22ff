import {
  callsOf,
  callsStartedIn,
  changeAskedMs,
  type History,
  outageOf,
  startedMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { hangingAt } from './hanging.ts';
import { count, momentsOf } from './words.ts';

export type Saying = { code: string; text?: RegExp };

type Params = {
  arm: string;
  /** What calls that fail in the outage may say. */
  allowed: readonly Saying[];
  /** What at least one of them says. */
  expected?: Saying | undefined;
  /** Whether its connecting may hang: calls run out of time instead. Default false. */
  mayHang?: boolean;
};

/** Calls that failed in the outage said what they should: it is by that that people find out what is wrong. */
export function failuresSay(history: History, { arm, allowed, expected, mayHang = false }: Params): Finding {
  const say = sayFor('failures-say', arm);
  const outage = outageOf(history, arm);
  if ('missing' in outage) return say.unknown(outage.missing);
  const fromMs = changeAskedMs(history, arm) ?? 0;
  const untilMs = outage.silence.toMs ?? callsOf(history, arm).at(-1)?.atMs ?? fromMs;
  const failed = callsStartedIn(history, arm, fromMs, untilMs).filter(({ code }) => code !== 'OK');
  const matches = ({ code, message = '' }: { code: string; message?: string }, saying: Saying) =>
    code === saying.code && (saying.text?.test(message) ?? true);
  const [other] = failed.filter((call) => !allowed.some((saying) => matches(call, saying)));
  if (other !== undefined) {
    return say.fail(
      `a call failed ${momentsOf(history, arm)(startedMs(other))} with ${other.code} "${other.message ?? ''}", ` +
        'which is not what was expected',
    );
  }
  const found = expected && failed.filter((call) => matches(call, expected));
  if (expected !== undefined && found?.[0] === undefined) {
    const none =
      `none of ${count(failed.length, 'failed call')} said ${expected.code} ${expected.text ?? ''}`.trim();
    const { firstMs } = hangingAt(history, arm, fromMs, untilMs);
    // A socket is in SYN_SENT for a moment whenever it connects; calls run out of time only where that lasts.
    const timedOut = failed.some(({ code }) => code === 'DEADLINE_EXCEEDED');
    return mayHang && timedOut && firstMs !== undefined
      ? say.pass(`${none}, for its connecting hung, as it may: SYN_SENT ${momentsOf(history, arm)(firstMs)}`)
      : say.fail(none);
  }
  if (failed.length === 0) return say.pass('no call failed: all waited, and were answered');
  const sample = found?.[0] ?? failed[0];
  return say.pass(
    `${count(found?.length ?? failed.length, 'call')} of ${failed.length} that failed said as expected, the first: ` +
      `${sample?.code} "${sample?.message ?? ''}"`,
  );
}
