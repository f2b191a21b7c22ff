import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';

/** Waits until it is true; fails after half a minute with what is seen then. */
export async function eventually(isTrue: () => boolean, seen: () => unknown = () => ''): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!isTrue()) {
    if (performance.now() > deadline) expect.fail(`not within 30s: ${JSON.stringify(seen())}`);
    await delay(5);
  }
}
