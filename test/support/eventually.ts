import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';

/** Waits until it is true; fails after ten seconds with what is seen then. */
export async function eventually(isTrue: () => boolean, seen: () => unknown = () => ''): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isTrue()) {
    if (performance.now() > deadline) expect.fail(`not within 10s: ${JSON.stringify(seen())}`);
    await delay(5);
  }
}
