import { callsStartedIn, failuresOf, type History } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, describeFailures, momentsOf } from './words.ts';

/** No call that was started in the span ended with another code than OK. */
export function noFailedCall(
  history: History,
  { arm, fromMs, untilMs }: { arm: string; fromMs: number; untilMs: number },
): Finding {
  const say = sayFor('no-failed-call', arm);
  const calls = callsStartedIn(history, arm, fromMs, untilMs);
  if (calls.length === 0) return say.unknown('no call was started');

  const failed = calls.filter((call) => call.code !== 'OK').length;
  if (failed === 0) return say.pass(`none of ${count(calls.length, 'call')} failed`);
  const failures = describeFailures(failuresOf(calls), momentsOf(history, arm));
  return say.fail(`${failed} of ${count(calls.length, 'call')} failed: ${failures}`);
}
