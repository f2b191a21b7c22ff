// What happens to a process without warning, a moment after the request that asked for it has been answered.

// Time for the answer to leave.
const GRACE_MS = 10;

/** Blocks the only thread. */
export function freezeSoon(durationMs: number): void {
  setTimeout(() => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
  }, GRACE_MS);
}

/** Ends the process with its work undone, as a crash does: the kubelet starts the container again. */
export function exitSoon(code: number): void {
  setTimeout(() => process.exit(code), GRACE_MS);
}
