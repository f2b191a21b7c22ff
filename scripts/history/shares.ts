// Who answered how much.
import { callsStartedIn, type Failure, failuresOf } from './calls.ts';
import type { History } from './events.ts';

export type Shares = {
  /** Calls that were started in the span. */
  calls: number;
  /** Those that a pod answered, by its name. */
  byPod: Record<string, number>;
  /** Those that no pod answered. */
  unanswered: number;
  failures: Failure[];
};

/** The calls that an arm started from `fromMs` on and before `untilMs`, by the pod that answered. */
export function sharesPerPod(history: History, arm: string, fromMs: number, untilMs: number): Shares {
  const calls = callsStartedIn(history, arm, fromMs, untilMs);
  const byPod: Record<string, number> = {};
  let unanswered = 0;
  for (const { pod } of calls) {
    if (pod === undefined) unanswered += 1;
    else byPod[pod] = (byPod[pod] ?? 0) + 1;
  }
  return { calls: calls.length, byPod, unanswered, failures: failuresOf(calls) };
}
