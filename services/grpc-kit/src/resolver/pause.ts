/** A wait that can be made shorter from outside, and does not keep the process alive. One at a time. */
export function createPause() {
  let timer: NodeJS.Timeout | undefined;
  let endMs = 0;
  let resolve: (() => void) | undefined;

  function end(): void {
    clearTimeout(timer);
    resolve?.();
    resolve = undefined;
  }

  function endAt(atMs: number): void {
    clearTimeout(timer);
    endMs = atMs;
    // Of a negative time Node warns.
    timer = setTimeout(end, Math.max(0, atMs - performance.now())).unref();
  }

  return {
    wait(ms: number): Promise<void> {
      return new Promise((done) => {
        resolve = done;
        endAt(performance.now() + ms);
      });
    },
    /** Ends a wait that is going on at this time of `performance.now()`, unless it would end earlier. */
    endBy(atMs: number): void {
      if (atMs < endMs) endAt(atMs);
    },
    /** Ends a wait that is going on now. */
    end,
  };
}
