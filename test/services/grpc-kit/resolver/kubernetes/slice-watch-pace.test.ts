// How often the API is asked, and when. Delays are those that were asked for: no time passes but by the fake clock.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SliceWatchTimes } from '../../../../../services/grpc-kit/src/resolver/kubernetes/slice-watch.ts';
import { type FakeApi, slice } from '../fake-api.ts';
import { type FakeClock, fakeClock } from '../fake-clock.ts';
import { useWatches } from './watched.ts';

// Each kind of timer is known by its time.
const times: SliceWatchTimes = {
  connectMs: 1000,
  answerMs: 1100,
  settledMs: 1500,
  askedMs: 3000,
  backoff: { firstMs: 10_000, maxMs: 80_000 },
  cutBackoff: { firstMs: 10_000, maxMs: 40_000 },
  watchS: { min: 240, max: 300 },
  graceMs: 15_000,
};

const watches = useWatches(times);
let api: FakeApi;
let clock: FakeClock;
beforeEach(() => {
  api = watches.api();
  clock = fakeClock();
});
afterEach(() => clock[Symbol.dispose]());

const backoffs = () => clock.waits(5000, 80_000);
const timersOf = (ms: number) => clock.waits(ms, ms).length;
const lists = (count: number) =>
  clock.until(
    () => api.lists() === count,
    () => api.requests.length,
  );
const requests = (count: number) =>
  clock.until(
    () => api.requests.length === count,
    () => api.requests.length,
  );
/** It waits, and for nothing else. */
const waiting = (count: number) => clock.until(() => backoffs().length === count, backoffs);
const open = () => clock.until(() => api.watches.size === 1);

async function watching() {
  const all = watches.watched();
  await open();
  await clock.until(() => timersOf(times.settledMs) > 0);
  return all;
}

/** Of a step and the one before: twice as long, with jitter that only makes it shorter. */
function expectSteps(...steps: number[]) {
  const waits = backoffs();
  expect(waits).toHaveLength(steps.length);
  for (const [index, stepMs] of steps.entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(stepMs / 2);
    expect(waits[index]).toBeLessThanOrEqual(stepMs);
  }
}

describe('watches that end', () => {
  it('goes on at once from where the last one was when that was of use, on the same connection', async () => {
    const { has } = await watching();
    api.put(slice('a', []));
    await clock.until(() => has('a'));
    api.endWatches();
    await requests(3);
    expect(backoffs()).toEqual([]);
    expect(api.requests.map(({ kind }) => kind)).toEqual(['list', 'watch', 'watch']);
    expect(api.requests[2]?.query.get('resourceVersion')).toBe('101');
    expect(api.sockets.size).toBe(1);
  });

  it('goes on at once when it lived for a while, though nothing happened', async () => {
    await watching();
    clock.pass(times.settledMs);
    api.cut();
    await requests(3);
    expect(backoffs()).toEqual([]);
  });

  it('is more and more patient with those that end at once, and misses nothing', async () => {
    const { has, lines } = await watching();
    for (let count = 1; count <= 5; count += 1) {
      api.cut();
      await waiting(count);
      clock.pass(40_000);
      await requests(2 + count);
      await open();
    }
    expectSteps(10_000, 20_000, 40_000, 40_000, 40_000);
    api.cut();
    await waiting(6);
    api.put(slice('a', []));
    clock.pass(40_000);
    await clock.until(() => has('a'));
    expect(api.lists()).toBe(1);
    expect(lines).toEqual([]);
  });

  it('is as patient as at first once a watch was good', async () => {
    await watching();
    for (let count = 1; count <= 3; count += 1) {
      api.cut();
      await waiting(count);
      clock.pass(40_000);
      await requests(2 + count);
      await open();
    }
    await clock.until(() => timersOf(times.settledMs) === 4);
    clock.pass(times.settledMs);
    api.cut();
    await requests(6);
    await open();
    api.cut();
    await waiting(4);
    expectSteps(10_000, 20_000, 40_000, 10_000);
  });

  it('is not made to hurry by channels that lose connections', async () => {
    const { retrySoon } = await watching();
    await api.stop();
    await waiting(1);
    clock.pass(10_000);
    await waiting(2);
    await api.start();
    clock.pass(20_000);
    await open();
    api.cut();
    await waiting(3);
    const timers = clock.waits(0).length;
    retrySoon();
    expect(clock.waits(0)).toHaveLength(timers);
  });

  it('renews a watch that the API does not end', async () => {
    await watching();
    clock.pass(200_000);
    await delay(50);
    expect(api.watches.size).toBe(1);
    expect(api.requests).toHaveLength(2);
    clock.pass(115_000);
    await requests(3);
    expect(api.requests.map(({ kind }) => kind)).toEqual(['list', 'watch', 'watch']);
    const [lifeMs = 0] = clock.waits(100_000);
    expect(lifeMs).toBe(Number(api.requests[1]?.query.get('timeoutSeconds')) * 1000 + times.graceMs);
  });
});

describe('versions that are gone', () => {
  it.each([
    ['as a status', { status: 410, message: 'too old' }],
    ['as an event', { errorEvent: { code: 410, message: 'too old' } }],
  ])('%s: lists at once the first time, then backs off', async (_, answer) => {
    api.state.watch = answer;
    const { lines, has } = watches.watched();
    await waiting(1);
    expect(api.lists()).toBe(2);
    for (let count = 2; count <= 5; count += 1) {
      clock.pass(80_000);
      await waiting(count);
    }
    expectSteps(10_000, 20_000, 40_000, 80_000, 80_000);
    expect(api.lists()).toBe(6);
    expect(lines).toEqual([
      expect.stringMatching(
        /^warn .*cannot be watched: .*a watch is refused right after a list: 410 too old/,
      ),
    ]);
    // What is listed counts all the same.
    api.put(slice('a', []));
    api.state.watch = undefined;
    const settles = timersOf(times.settledMs);
    clock.pass(80_000);
    await clock.until(() => has('a'));
    await clock.until(() => timersOf(times.settledMs) > settles);
    expect(lines).toHaveLength(1);
    clock.pass(times.settledMs);
    expect(lines[1]).toMatch(/^info EndpointSlices of greeter.shop can be watched again after \d+\.\d s$/);
  });

  it('is a first time again once a watch was good', async () => {
    const { lines } = await watching();
    for (let round = 1; round <= 3; round += 1) {
      await clock.until(() => timersOf(times.settledMs) === round);
      clock.pass(times.settledMs);
      api.expire();
      api.endWatches();
      await lists(1 + round);
      await open();
    }
    expect(lines).toEqual([]);
    expect(backoffs()).toEqual([]);
  });
});

describe('an API that is away', () => {
  it('is asked less and less often', async () => {
    await api.stop();
    const { seen } = watches.watched();
    for (let count = 1; count <= 5; count += 1) {
      await waiting(count);
      clock.pass(80_000);
    }
    await waiting(6);
    expectSteps(10_000, 20_000, 40_000, 80_000, 80_000, 80_000);
    expect(seen.failures).toHaveLength(6);
  });

  it('is asked as soon as at first again after it was good', async () => {
    await watching();
    clock.pass(times.settledMs);
    await api.stop();
    for (let count = 1; count <= 3; count += 1) {
      await waiting(count);
      if (count === 3) await api.start();
      clock.pass(80_000);
    }
    await open();
    await clock.until(() => timersOf(times.settledMs) === 2);
    clock.pass(times.settledMs);
    await api.stop();
    await waiting(4);
    expectSteps(10_000, 20_000, 40_000, 10_000);
  });

  it('is asked sooner when a channel wishes, at random, but not at once', async () => {
    await api.stop();
    const { seen, retrySoon } = watches.watched({}, { backoff: { firstMs: 80_000, maxMs: 80_000 } });
    await waiting(1);
    const isWish = (ms: number) => ms >= times.askedMs && ms <= 2 * times.askedMs;
    retrySoon();
    retrySoon();
    expect(clock.waits(0).filter(isWish)).toHaveLength(1);
    clock.pass(2 * times.askedMs);
    await clock.until(() => seen.failures.length === 2);
  });

  it('is taken at its word of Retry-After, within reason, by wishes too', async () => {
    api.state.list = { status: 429, message: 'too many requests', headers: { 'retry-after': '60' } };
    const { seen, retrySoon } = watches.watched();
    await waiting(1);
    expect(backoffs()).toEqual([60_000]);
    retrySoon();
    expect(backoffs()).toHaveLength(1);
    expect(clock.waits(2000, 6000)).toEqual([]);
    api.state.list = { status: 429, message: 'go away', headers: { 'retry-after': '3600' } };
    clock.pass(60_000);
    await waiting(2);
    expect(backoffs()[1]).toBe(80_000);
    expect(seen.failures).toEqual(['429 too many requests', '429 go away']);
  });

  it.each(['list', 'watch'] as const)('is not waited for for ever: a silent %s', async (kind) => {
    api.state[kind] = 'hang';
    const { lines, has } = watches.watched();
    await clock.until(() => api.requests.at(-1)?.kind === kind);
    clock.pass(times.answerMs - 1);
    expect(lines).toEqual([]);
    clock.pass(1);
    await waiting(1);
    expect(lines).toEqual([expect.stringMatching(/no answer within 1100 ms/)]);
    api.state[kind] = undefined;
    api.put(slice('a', []));
    clock.pass(10_000);
    await clock.until(() => has('a'));
  });

  it('is not waited for for ever: answers and errors that do not end', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.writeHead(asked === 1 ? 200 : 403);
      response.write('{"half":');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { seen, release } = watches.watched({ cluster: { server: `http://127.0.0.1:${port}` } });
    // One for the head, one for the rest.
    await clock.until(() => timersOf(times.answerMs) === 2);
    clock.pass(times.answerMs);
    await waiting(1);
    clock.pass(10_000);
    await clock.until(() => timersOf(times.answerMs) === 4);
    clock.pass(times.answerMs);
    await waiting(2);
    expect(seen.failures[0]).toMatch(/: the answer was not complete within 1100 ms$/);
    expect(seen.failures[1]).toMatch(/^403 /);
    release();
    server.closeAllConnections();
    server.close();
  });
});

describe('watches that fail', () => {
  it.each([
    [
      'are forbidden',
      { status: 403, message: 'watch is forbidden' },
      /watch is forbidden.*see manifests\/rbac.yaml/,
    ],
    ['fail', { errorEvent: { code: 500, message: 'etcd is unhappy' } }, /500 etcd is unhappy/],
  ])('leave lists, said once, when they %s', async (_, answer, why) => {
    api.put(slice('a', []));
    api.state.watch = answer;
    const { lines, has } = watches.watched();
    await waiting(1);
    expect(has('a')).toBe(true);
    for (let count = 2; count <= 4; count += 1) {
      api.put(slice(`b${count}`, []));
      clock.pass(80_000);
      await waiting(count);
      expect(has('a', ...['b2', 'b3', 'b4'].slice(0, count - 1))).toBe(true);
    }
    expectSteps(10_000, 20_000, 40_000, 80_000);
    expect(lines).toEqual([expect.stringMatching(why)]);
    // Each on a connection of its own, and those before are closed.
    expect(api.sockets.size).toBeLessThanOrEqual(1);
  });
});

describe('leaving', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['while it waits for the API', () => waiting(1)],
    ['while it waits for the next watch', () => waiting(1)],
    ['while it lists', () => requests(1)],
    ['while it watches', () => clock.until(() => timersOf(times.settledMs) === 1)],
  ])('leaves no timer %s', async (name, ready) => {
    if (name === 'while it waits for the API') await api.stop();
    if (name === 'while it lists') api.state.list = 'hang';
    const { release } = watches.watched();
    if (name === 'while it waits for the next watch') {
      await open();
      await clock.until(() => timersOf(times.settledMs) === 1);
      api.cut();
    }
    await ready();
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    release();
    await clock.until(() => vi.getTimerCount() === 0);
    // And begins none.
    await new Promise((resolve) => setImmediate(resolve));
    expect(vi.getTimerCount()).toBe(0);
  });
});
