// Time for the answer to leave before everything stands still.
const GRACE_MS = 10;

/** Blocks the only thread, a moment after the request that asked for it has been answered. */
export function freezeSoon(durationMs: number): void {
  setTimeout(() => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
  }, GRACE_MS);
}
