import { roundMs } from '../common/clock.ts';
import type { EventLog } from './event-log.ts';
import { createLatencyHistogram } from './latency.ts';
import type { Outcome } from './stacks/stack.ts';
import { createTally } from './tally.ts';

/** Keeps what became of a workload's calls: histograms, counts and, if asked to, a record of each. */
export function createRecorder(workload: string, log: Pick<EventLog, 'append'> | undefined) {
  const latency = createLatencyHistogram();
  const lateness = createLatencyHistogram();
  const tally = createTally();
  return {
    ended(seq: number, intendedMs: number, startedMs: number, endedMs: number, outcome: Outcome): void {
      const lateMs = startedMs - intendedMs;
      const latencyMs = endedMs - intendedMs;
      lateness.record(lateMs);
      latency.record(latencyMs);
      tally.ended(outcome, endedMs);
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
    summary: () => ({ ...tally.summary(), latency: latency.summary(), lateness: lateness.summary() }),
  };
}
