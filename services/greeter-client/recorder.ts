import { roundMs } from '../common/clock.ts';
import type { EventLog } from './event-log.ts';
import { createLatencyHistogram } from './latency.ts';
import type { Outcome } from './stacks/stack.ts';

/** Keeps what became of a workload's calls: histograms, counts and, if asked to, a record of each. */
export function createRecorder(workload: string, log: Pick<EventLog, 'append'> | undefined) {
  const latency = createLatencyHistogram();
  const lateness = createLatencyHistogram();
  const codes: Record<string, number> = {};
  return {
    ended(seq: number, intendedMs: number, startedMs: number, endedMs: number, outcome: Outcome): void {
      const lateMs = startedMs - intendedMs;
      const latencyMs = endedMs - intendedMs;
      lateness.record(lateMs);
      latency.record(latencyMs);
      codes[outcome.code] = (codes[outcome.code] ?? 0) + 1;
      log?.append({
        type: 'call',
        workload,
        seq,
        intendedMs: roundMs(intendedMs),
        lateMs: roundMs(lateMs),
        latencyMs: roundMs(latencyMs),
        ...outcome,
      });
    },
    summary: () => ({ codes: { ...codes }, latency: latency.summary(), lateness: lateness.summary() }),
  };
}
