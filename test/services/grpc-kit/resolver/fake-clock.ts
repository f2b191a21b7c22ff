// Time passes only when a test says so, while sockets work as ever: how busy the machine is makes no difference.
import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';

export type FakeClock = ReturnType<typeof fakeClock>;

export function fakeClock() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const timers = vi.spyOn(globalThis, 'setTimeout');
  const asked = () => timers.mock.calls.map(([, ms]) => ms ?? 0);

  return {
    pass: (ms: number) => void vi.advanceTimersByTime(ms),
    /** The times of all timers that were asked for, in their order, from so many ms on. */
    waits: (fromMs: number, toMs = Number.POSITIVE_INFINITY) =>
      asked().filter((ms) => ms >= fromMs && ms <= toMs),
    /** As `eventually`, which would have no end here. */
    async until(isTrue: () => boolean, seen: () => unknown = () => ''): Promise<void> {
      for (let tries = 0; !isTrue(); tries += 1) {
        if (tries > 2000) expect.fail(`never: ${JSON.stringify([seen(), asked()])}`);
        await delay(2);
      }
    },
    [Symbol.dispose](): void {
      timers.mockRestore();
      vi.useRealTimers();
    },
  };
}
