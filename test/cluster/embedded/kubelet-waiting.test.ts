import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createBell } from '../../../scripts/cluster/embedded/kubelet/waiting.ts';
import { timerMs } from '../../../scripts/cluster/embedded/timer.ts';

it('waits for longer than a timer can', async () => {
  const bell = createBell();
  let over = false;
  const waiting = bell.wait(2 ** 31).then(() => {
    over = true;
  });
  await delay(20);
  expect(over).toBe(false);
  bell.ring();
  await waiting;
});

it('makes a timer of any time', () => {
  expect([-1, 0, 5, 2 ** 31 - 1, 2 ** 31, Number.POSITIVE_INFINITY].map(timerMs)).toEqual([
    0,
    0,
    5,
    2 ** 31 - 1,
    2 ** 31 - 1,
    2 ** 31 - 1,
  ]);
});
