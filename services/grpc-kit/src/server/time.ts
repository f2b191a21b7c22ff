import { setTimeout as delay } from 'node:timers/promises';

/** Longest time that a timer of Node.js can wait, in milliseconds. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/** Resolves when the time is over, at the latest when `signal` is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

/** Waits for `work`, but not longer than `ms` or until `signal` is aborted. @returns whether `work` has ended. */
export async function within(ms: number, work: Promise<unknown>, signal?: AbortSignal): Promise<boolean> {
  const over = new AbortController();
  const either = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  try {
    return await Promise.race([work.then(() => true), pause(ms, either).then(() => false)]);
  } finally {
    // No timer stays behind.
    over.abort();
  }
}
