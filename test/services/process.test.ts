// What a client's process says of itself: its CPU, its event loop, its files.
import { closeSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseThrottling, watchProcess } from '../../services/greeter-client/process.ts';
import { ProcessAnswer } from '../../services/protocol/index.ts';
import { startClient } from './harness.ts';

/** Blocks the event loop; then timers that are due fire. */
async function block(ms: number): Promise<void> {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  await new Promise((resolve) => setImmediate(resolve));
}

it('tells how late timers were since the last reading', async () => {
  const read = watchProcess();
  // A look after each: between two of them is what is measured.
  for (let times = 0; times < 3; times += 1) await block(300);
  const { p50Ms, p99Ms, maxMs } = read().eventLoopDelay;
  expect(maxMs).toBeGreaterThan(250);
  expect(maxMs).toBeLessThan(5000);
  expect(p50Ms <= p99Ms && p99Ms <= maxMs).toBe(true);
  expect(read().eventLoopDelay).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 });
});

it('tells the share of a core that was used since the last reading', () => {
  const read = watchProcess();
  read();
  const sinceMs = performance.now();
  const since = process.cpuUsage();
  const usedMs = () => {
    const { user, system } = process.cpuUsage(since);
    return (user + system) / 1000;
  };
  while (usedMs() < 200) Math.random();
  const { cpuShare } = read();
  const tookMs = performance.now() - sinceMs;
  expect(cpuShare * tookMs).toBeGreaterThan(190);
  expect(cpuShare * tookMs).toBeLessThan(usedMs() + 10);
});

it('tells how many files are open, and how many may be', () => {
  const read = watchProcess();
  const before = read().openFiles ?? expect.fail('nothing is told of files');
  const opened = Array.from({ length: 50 }, () => openSync('/dev/null', 'r'));
  const { open, limit } = read().openFiles ?? {};
  for (const file of opened) closeSync(file);
  // Others in this process open and close some meanwhile.
  expect(Math.abs((open ?? 0) - before.open - 50)).toBeLessThan(10);
  expect(limit).toBeGreaterThan(50);
});

it('tells the limit of its control group and how often that held it back', () => {
  const stat = 'usage_usec 5\nnr_periods 100\nnr_throttled 40\nnr_bursts 0\n';
  expect(parseThrottling('25000 100000\n', stat)).toEqual({
    limitCores: 0.25,
    periods: 100,
    throttledPeriods: 40,
  });
  expect(parseThrottling('max 100000\n', stat)).toEqual({ periods: 100, throttledPeriods: 40 });
  expect(parseThrottling('-1 100000', stat)).toEqual({ periods: 100, throttledPeriods: 40 });
  expect(parseThrottling(undefined, 'usage_usec 5\n')).toBeUndefined();
  expect(parseThrottling(undefined, undefined)).toBeUndefined();
});

it('is what GET /process answers', async () => {
  await using client = await startClient();
  const first = await client.ask('GET', '/process');
  expect(ProcessAnswer.strict().parse(first)).toEqual(first);
  expect(first.cpuShare).toBeGreaterThan(0);
  const second = await client.ask('GET', '/process');
  expect(second.uptimeMs).toBeGreaterThan(first.uptimeMs);
});
