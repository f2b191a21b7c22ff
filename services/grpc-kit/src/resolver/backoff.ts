/**
 * Delays that double from `firstMs` to `maxMs`. Each is drawn from the upper half of its step, so that clients that
 * failed together do not come back together.
 */
export function createBackoff({ firstMs, maxMs }: { firstMs: number; maxMs: number }) {
  let failures = 0;
  return {
    nextMs(): number {
      const stepMs = Math.min(firstMs * 2 ** failures, maxMs);
      failures += 1;
      return stepMs * (0.5 + Math.random() / 2);
    },
    reset(): void {
      failures = 0;
    },
  };
}
