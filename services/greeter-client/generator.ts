import { createPacing } from './pacing.ts';

/** What the generator needs of time; tests bring their own. */
export type Clock = {
  nowMs: () => number;
  /** Calls back once, after `ms` or somewhat later. @returns what forgets it. */
  after: (ms: number, callback: () => void) => () => void;
};

// Catching up after a stall in one go would keep answers from being read and records from being sent.
const MOST_STARTS_IN_A_ROW = 64;

/**
 * Starts calls open-loop: each at its time, or as soon after as `concurrency` and the event loop allow. `start` must
 * not throw, and `ended` has to be called once for each call that it started.
 */
export function startGenerator(options: {
  ratePerSecond: number;
  /** Calls that are due at once. */
  burst?: number;
  /** Most calls in flight. */
  concurrency: number;
  clock: Clock;
  start: (seq: number, intendedMs: number, startedMs: number) => void;
}) {
  const { clock, start } = options;
  const pacing = createPacing(options.ratePerSecond, clock.nowMs(), options.burst);
  let concurrency = options.concurrency;
  let started = 0;
  let ended = 0;
  let stoppedMs: number | undefined;
  let forgetTimer = () => {};
  const idle = Promise.withResolvers<void>();

  function pump(): void {
    forgetTimer();
    for (let row = 0; row < MOST_STARTS_IN_A_ROW; row += 1) {
      if (stoppedMs !== undefined || started - ended >= concurrency) return;
      const nowMs = clock.nowMs();
      const intendedMs = pacing.dueMs(started);
      if (intendedMs > nowMs) break;
      started += 1;
      start(started - 1, intendedMs, nowMs);
    }
    forgetTimer = clock.after(Math.max(0, pacing.dueMs(started) - clock.nowMs()), pump);
  }
  pump();

  return {
    ended(): void {
      const waiting = started - ended >= concurrency;
      ended += 1;
      if (stoppedMs === undefined) {
        if (waiting) pump();
      } else if (started === ended) {
        idle.resolve();
      }
    },
    changeRate(ratePerSecond: number): void {
      if (stoppedMs !== undefined) return;
      pacing.changeRate(ratePerSecond, clock.nowMs());
      pump();
    },
    changeConcurrency(most: number): void {
      concurrency = most;
      pump();
    },
    /** Starts nothing more. @returns when nothing is in flight. */
    stop(): Promise<void> {
      if (stoppedMs === undefined) {
        // What is due at this moment is still started, so that `due` and `started` differ only if it fell behind.
        const nowMs = clock.nowMs();
        pump();
        stoppedMs = nowMs;
      }
      forgetTimer();
      if (started === ended) idle.resolve();
      return idle.promise;
    },
    counts: () => ({
      due: Math.max(started, pacing.dueBy(stoppedMs ?? clock.nowMs())),
      started,
      ended,
      inFlight: started - ended,
    }),
  };
}
