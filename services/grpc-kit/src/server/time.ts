import { setTimeout as delay } from 'node:timers/promises';

/** Longest time that a timer of Node.js can wait, in milliseconds. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/** Resolves when the time is over, at the latest when `signal` is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

/** Waits for `work`, but not longer than `ms`. @returns whether `work` has ended. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  try {
    return await Promise.race([work.then(() => true), pause(ms, over.signal).then(() => false)]);
  } finally {
    // No timer stays behind.
    over.abort();
  }
}
