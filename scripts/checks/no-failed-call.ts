import {
  type Call,
  callsOf,
  callsStartedIn,
  endedMs,
  failuresOf,
  type History,
  startedMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { STARVED_MS } from './starved.ts';
import { count, describeFailures, momentsOf } from './words.ts';

/** Who starves does so for a while: the late call may be one just before or after. */
const AROUND_MS = 1000;

/**
 * No call that was started in the span ended with another code than OK. Calls that only ran out of time, all of them
 * while the clients themselves were starved of CPU, say something of the machine and nothing of the service: unknown.
 */
export function noFailedCall(
  history: History,
  { arm, fromMs, untilMs }: { arm: string; fromMs: number; untilMs: number },
): Finding {
  const say = sayFor('no-failed-call', arm);
  const calls = callsStartedIn(history, arm, fromMs, untilMs);
  if (calls.length === 0) return say.unknown('no call was started');

  const failed = calls.filter((call) => call.code !== 'OK');
  if (failed.length === 0) return say.pass(`none of ${count(calls.length, 'call')} failed`);
  const failures = describeFailures(failuresOf(calls), momentsOf(history, arm));
  const message = `${failed.length} of ${count(calls.length, 'call')} failed: ${failures}`;
  const late = callsOf(history, arm).filter((call) => call.lateMs >= STARVED_MS);
  if (!failed.every((call) => ranOutWhileStarved(call, late))) return say.fail(message);
  const latest = Math.max(...late.map(({ lateMs }) => lateMs));
  return say.unknown(
    `the machine was too busy to tell, clients started calls up to ${latest.toFixed(0)}ms late: ${message}`,
  );
}

const ranOutWhileStarved = (failed: Call, late: readonly Call[]): boolean =>
  failed.code === 'DEADLINE_EXCEEDED' &&
  late.some(
    (call) => startedMs(call) >= startedMs(failed) - AROUND_MS && call.atMs <= endedMs(failed) + AROUND_MS,
  );
