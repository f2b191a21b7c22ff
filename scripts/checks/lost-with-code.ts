import { callsStartedIn, failuresOf, type History, type Part } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, momentsOf } from './words.ts';

/** At least one call failed with this code, and the first of them with this text where one is expected. */
export function lostWithCode(
  history: History,
  { arm, part, code, text }: { arm: string; part: Part; code: string; text?: RegExp },
): Finding {
  const say = sayFor(`lost-with-${code}`, arm);
  const calls = callsStartedIn(history, arm, part.fromMs, part.untilMs);
  if (calls.length === 0) return say.unknown('no call was started');
  const failures = failuresOf(calls);
  const found = failures.find((failure) => failure.code === code);
  if (found === undefined) {
    const others = failures.map((failure) => `${failure.count} ${failure.code}`).join(', ') || 'none failed';
    return say.fail(`none of ${count(calls.length, 'call')} failed with ${code} (${others})`);
  }
  const { count: lost, message, firstMs } = found;
  if (text && !text.test(message)) return say.fail(`${code} says "${message}", not ${text}`);
  return say.pass(`${lost} ${code}, the first ${momentsOf(history, arm)(firstMs)}: "${message}"`);
}
