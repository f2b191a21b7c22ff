import { callsStartedIn, failuresOf, type History, type Part } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, describeFailures, momentsOf } from './words.ts';

/** No more calls failed than so many: those that can have met a connection as it was closed. */
export function fewCallsLost(
  history: History,
  { arm, part, most }: { arm: string; part: Part; most: number },
): Finding {
  const say = sayFor('few-calls-lost', arm);
  const calls = callsStartedIn(history, arm, part.fromMs, part.untilMs);
  if (calls.length === 0) return say.unknown('no call was started');
  const lost = calls.filter(({ code }) => code !== 'OK').length;
  const limit = `at most ${most} expected`;
  if (lost === 0) return say.pass(`none of ${count(calls.length, 'call')} failed, ${limit}`);
  const failures = describeFailures(failuresOf(calls), momentsOf(history, arm));
  const message = `${lost} of ${count(calls.length, 'call')} failed, ${limit}: ${failures}`;
  return lost <= most ? say.pass(message) : say.fail(message);
}
