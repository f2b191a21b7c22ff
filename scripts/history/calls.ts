// Calls: who made them, when they were started and how they ended.
import type { Call, History } from './events.ts';

/** The calls of an arm, in order of arrival: a call is told when it has ended. */
export const callsOf = (history: History, arm: string): Call[] =>
  history.filter((event): event is Call => event.type === 'call' && event.arm === arm);

/** When a call was really started: a late generator starts it after it was due. */
export const startedMs = (call: Call): number => call.atMs + call.lateMs;

export const endedMs = (call: Call): number => call.atMs + call.latencyMs;

/** The calls of an arm that were started from `fromMs` on and before `untilMs`. */
export const callsStartedIn = (history: History, arm: string, fromMs: number, untilMs: number): Call[] =>
  callsOf(history, arm).filter((call) => startedMs(call) >= fromMs && startedMs(call) < untilMs);

/** The client pods that worked for an arm, sorted: those that made a call or told how their work ended. */
export function clientsOf(history: History, arm: string): string[] {
  const clients = new Set<string>();
  for (const event of history) {
    if ((event.type === 'call' || event.type === 'workload-end') && event.arm === arm)
      clients.add(event.source);
  }
  return [...clients].sort();
}

/** Calls that failed in one way. */
export type Failure = { code: string; count: number; firstMs: number; client: string; message: string };

/** The failed ones among calls, by status code, most frequent first; each with the one that was started first. */
export function failuresOf(calls: readonly Call[]): Failure[] {
  const failures = new Map<string, Failure>();
  for (const call of calls) {
    if (call.code === 'OK') continue;
    const first = { firstMs: startedMs(call), client: call.source, message: call.message ?? '' };
    const known = failures.get(call.code);
    const earliest = known === undefined || first.firstMs < known.firstMs ? first : known;
    failures.set(call.code, { ...earliest, code: call.code, count: (known?.count ?? 0) + 1 });
  }
  return [...failures.values()].sort((a, b) => b.count - a.count);
}
