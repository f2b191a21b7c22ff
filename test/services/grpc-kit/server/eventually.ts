import { vi } from 'vitest';

/** Waits until an assertion holds. @throws its last error when the time is over. */
export const eventually = (assertion: () => void | Promise<void>, timeoutMs = 30_000): Promise<void> =>
  vi.waitFor(assertion, { timeout: timeoutMs, interval: 5 });
