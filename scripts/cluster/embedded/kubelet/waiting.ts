// Small tools for code that waits: for a time or for news, and for its turn.
import { timerMs } from '../timer.ts';

export type Bell = ReturnType<typeof createBell>;

/** What waits for a time, but no longer than until something happens. */
export function createBell() {
  const waiting = new Set<() => void>();
  return {
    /** Resolves after the time, or when it rings. @param ms for ever when Infinity. */
    wait(ms: number): Promise<void> {
      return new Promise((resolve) => {
        const timer = Number.isFinite(ms) ? setTimeout(done, timerMs(ms)) : undefined;
        function done(): void {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        }
        waiting.add(done);
      });
    },
    ring(): void {
      for (const done of [...waiting]) done();
    },
  };
}

export type Limiter = ReturnType<typeof createLimiter>;

/** Lets `most` in at a time, in the order in which they came. */
export function createLimiter(most: number) {
  const queue: (() => void)[] = [];
  let inside = 0;

  function leave(): void {
    inside -= 1;
    queue.shift()?.();
  }
  return {
    /** @returns what lets the next one in; again does nothing. */
    async enter(): Promise<() => void> {
      if (inside >= most) await new Promise<void>((resolve) => queue.push(resolve));
      inside += 1;
      let left = false;
      return () => {
        if (!left) leave();
        left = true;
      };
    },
  };
}

/** The kubelet's: 10 s, doubled each time up to 5 min, forgotten after 10 min without. */
export function createBackOff() {
  const FIRST_MS = 10_000;
  const MOST_MS = 300_000;
  let ms = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    /**
     * For something that has just failed or ended.
     * @param failedMs when, by performance.now().
     * @returns how long to wait before the next attempt; 0 the first time where `atOnce`.
     */
    next(failedMs: number, { atOnce }: { atOnce: boolean }): number {
      if (failedMs - lastMs > 2 * MOST_MS) ms = 0;
      const wait = ms === 0 && !atOnce ? FIRST_MS : ms;
      ms = wait === 0 ? FIRST_MS : Math.min(wait * 2, MOST_MS);
      lastMs = failedMs + wait;
      return wait;
    },
  };
}

/** `1m20s`, as Go prints a duration. */
export function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
