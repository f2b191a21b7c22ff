import { setTimeout as delay } from 'node:timers/promises';
import { formatDuration } from './duration.ts';
import { LabError } from './errors.ts';

/** Not yet: what was seen instead of what is waited for. */
export type Waiting = { waiting: string };
export type Poll<T> = { done: T } | Waiting;

/**
 * Asks again and again until the answer is `done`.
 *
 * @throws LabError `failed` when the time is over, with the last thing that was seen; whatever `poll` throws.
 */
export async function waitFor<T>(
  what: string,
  poll: () => Promise<Poll<T>>,
  options: {
    timeoutMs: number;
    intervalMs?: number;
    signal?: AbortSignal | undefined;
    onWaiting?: (seen: string) => void;
  },
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const answer = await poll();
    if ('done' in answer) return answer.done;
    options.onWaiting?.(answer.waiting);
    if (performance.now() > deadline) {
      throw new LabError('failed', `${what}: not within ${formatDuration(options.timeoutMs)}`, {
        hint: `Last seen: ${answer.waiting}`,
      });
    }
    // An abort shows above, by its own reason.
    await delay(options.intervalMs ?? 250, undefined, { signal: options.signal }).catch(() => {});
  }
}
