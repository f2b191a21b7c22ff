import { nowMs } from '../common/clock.ts';
import type { WorkloadChange, WorkloadEvent, WorkloadSpec, WorkloadStatus } from '../protocol/index.ts';
import type { EventLog } from './event-log.ts';
import { createFailureLog } from './failure-log.ts';
import { type Clock, startGenerator } from './generator.ts';
import { createRecorder } from './recorder.ts';
import { openStack } from './stacks/index.ts';

const clock: Clock = {
  nowMs,
  after(ms, callback) {
    // Node drops the fraction, and a timer that fires too early has to be set again: a wake-up more for each call.
    const timer = setTimeout(callback, Math.ceil(ms));
    return () => clearTimeout(timer);
  },
};

export type Workload = {
  spec: WorkloadSpec;
  status: () => WorkloadStatus;
  /** Calls that are due already keep their times; calls in flight keep their deadlines. */
  change: (change: WorkloadChange) => void;
  /** No new calls; resolves when those in flight have ended, by their deadlines, and the channels are closed. */
  stop: () => Promise<WorkloadStatus>;
};

/**
 * Starts calling at once. A call's deadline counts from its real start, while its latency counts from when it was
 * due: a call that started late can take longer than its deadline.
 * @throws when the stack does not take the spec.
 */
export function startWorkload(spec: WorkloadSpec, pod: string, log: EventLog): Workload {
  const stack = openStack(spec, `${spec.id}@${pod}`, {
    resolution: (resolution) => log.append({ type: 'resolved', workload: spec.id, ...resolution }),
    connectivity: (change) => log.append({ type: 'connectivity', workload: spec.id, ...change }),
  });
  const recorder = createRecorder(spec.id, spec.record ? log : undefined);
  const logFailure = createFailureLog();
  const cpuAtStart = process.cpuUsage();
  let { deadlineMs } = spec;
  let stopping: Promise<WorkloadStatus> | undefined;
  let final: WorkloadStatus | undefined;

  function tell(phase: WorkloadEvent['phase']): void {
    log.append({ type: 'workload', workload: spec.id, phase, atMs: nowMs() });
  }

  tell('started');
  const generator = startGenerator({
    ratePerSecond: spec.ratePerSecond,
    burst: spec.burst,
    concurrency: spec.concurrency,
    clock,
    start(seq, intendedMs, startedMs) {
      stack.call(seq, deadlineMs, (outcome) => {
        const endedMs = nowMs();
        recorder.ended(seq, intendedMs, startedMs, endedMs, outcome);
        if (!spec.record) logFailure(outcome, endedMs);
        generator.ended();
      });
    },
  });

  function currentStatus(): WorkloadStatus {
    const { user, system } = process.cpuUsage(cpuAtStart);
    return {
      id: spec.id,
      running: stopping === undefined,
      ...generator.counts(),
      ...recorder.summary(),
      cpuMs: (user + system) / 1000,
      transparentRetries: stack.transparentRetries(),
    };
  }

  async function stop(): Promise<WorkloadStatus> {
    const stopped = generator.stop();
    stack.endStreams?.();
    await stopped;
    const status = currentStatus();
    stack.close();
    tell('stopped');
    final = status;
    return status;
  }

  return {
    spec,
    status: () => final ?? currentStatus(),
    change(change) {
      if (change.deadlineMs !== undefined) deadlineMs = change.deadlineMs;
      if (change.concurrency !== undefined) generator.changeConcurrency(change.concurrency);
      if (change.ratePerSecond !== undefined) generator.changeRate(change.ratePerSecond);
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
