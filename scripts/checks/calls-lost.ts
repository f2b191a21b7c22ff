import { callsStartedIn, failuresOf, type History } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, describeFailures, momentsOf } from './words.ts';

/** For a control without protection: at least one call that was started in the span must have failed. */
export function callsLost(
  history: History,
  { arm, fromMs, untilMs }: { arm: string; fromMs: number; untilMs: number },
): Finding {
  const say = sayFor('calls-lost', arm);
  const calls = callsStartedIn(history, arm, fromMs, untilMs);
  if (calls.length === 0) return say.unknown('no call was started');

  const lost = calls.filter((call) => call.code !== 'OK').length;
  if (lost === 0) {
    return say.fail(`none of ${count(calls.length, 'call')} was lost, though nothing protected them`);
  }
  const failures = describeFailures(failuresOf(calls), momentsOf(history, arm));
  return say.pass(`${lost} of ${count(calls.length, 'call')} lost, as expected: ${failures}`);
}
