import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createPublisher } from '../../../../../services/grpc-kit/src/resolver/kubernetes/publisher.ts';
import type { Resolution } from '../../../../../services/grpc-kit/src/resolver/sharing.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const list = (...hosts: string[]): Resolution => ({
  ok: true,
  note: '',
  localities: new Map(hosts.map((host) => [`${host}:1`, { node: 'a' }])),
  endpoints: hosts.map((host) => ({ addresses: [{ host, port: 1 }] })),
});
const error = (problem: string): Resolution => ({ ok: false, problem });

function published() {
  const startMs = performance.now();
  const seen: [atMs: number, what: string][] = [];
  const publisher = createPublisher((resolution) => {
    const hosts = resolution.ok
      ? resolution.endpoints.flatMap(({ addresses }) => addresses.map((at) => ('host' in at ? at.host : '')))
      : [resolution.problem];
    seen.push([performance.now() - startMs, hosts.join(' ')]);
  });
  return { seen, publisher, pass: (ms: number) => vi.advanceTimersByTime(ms) };
}

it('publishes the first at once, and what is new at once when it was quiet', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a'));
  pass(100);
  publisher.update(list('a', 'b'));
  expect(seen).toEqual([
    [0, 'a'],
    [100, 'a b'],
  ]);
});

it('holds what is new until 10 ms after the last', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a'));
  pass(3);
  publisher.update(list('a', 'b'));
  pass(3);
  publisher.update(list('a', 'b', 'c'));
  pass(200);
  expect(seen).toEqual([
    [0, 'a'],
    [10, 'a b c'],
  ]);
});

it('waits 40 ms with what has gone, and says nothing when it comes back', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a', 'b', 'c'));
  pass(100);
  const timers = vi.spyOn(globalThis, 'setTimeout');
  publisher.update(list('a', 'b'));
  expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([40]);
  timers.mockRestore();
  pass(39);
  expect(seen).toHaveLength(1);
  publisher.update(list('a', 'b', 'c'));
  pass(200);
  expect(seen).toHaveLength(1);
  publisher.update(list('a', 'b'));
  pass(5);
  publisher.update(list('a'));
  pass(200);
  // Each for 40 ms, but not two within 10.
  expect(seen.slice(1)).toEqual([
    [379, 'a b'],
    [389, 'a'],
  ]);
});

it('holds what comes back and goes again for as long as the first time, and has no timer in between', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a', 'b'));
  pass(100);
  publisher.update(list('a'));
  pass(100);
  expect(vi.getTimerCount()).toBe(0);
  publisher.update(list('a', 'b'));
  pass(100);
  publisher.update(list('a'));
  pass(39);
  expect(seen.at(-1)?.[1]).toBe('a b');
  pass(1);
  expect(seen.at(-1)?.[1]).toBe('a');
});

it('removes when it has published something else just before, too', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a', 'b'));
  publisher.update(list('a'));
  pass(200);
  expect(seen).toEqual([
    [0, 'a b'],
    [40, 'a'],
  ]);
});

it('does not wait with what is listed, but is not ready', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a', 'b', 'c'));
  pass(100);
  publisher.update(list('a'), new Set(['b:1']));
  pass(200);
  expect(seen.slice(1)).toEqual([
    [100, 'a c'],
    [140, 'a'],
  ]);
});

it('waits with the last, though it is listed and not ready: another may be ready in a moment', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a'));
  pass(100);
  publisher.update(error('none'), new Set(['a:1']));
  pass(10);
  publisher.update(list('b'), new Set(['a:1']));
  pass(200);
  expect(seen.slice(1)).toEqual([[110, 'b']]);
});

it('does not drop what moves when something else is new at that moment', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a', 'b'));
  pass(100);
  publisher.update(list('b', 'c'));
  pass(10);
  publisher.update(list('a', 'b', 'c'));
  pass(200);
  expect(seen).toEqual([
    [0, 'a b'],
    [100, 'a b c'],
  ]);
});

it('keeps all for a moment when there is nothing any more, then says why', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a', 'b'));
  pass(100);
  publisher.update(error('none'));
  pass(39);
  expect(seen).toHaveLength(1);
  pass(1);
  publisher.update(list('c'));
  pass(200);
  expect(seen.slice(1)).toEqual([
    [140, 'none'],
    [150, 'c'],
  ]);
});

it('is not stirred by what is the same', () => {
  const { seen, publisher, pass } = published();
  for (const resolution of [error('x'), error('x'), list('a'), list('a')]) {
    publisher.update(resolution);
    pass(100);
  }
  expect(seen.map(([, what]) => what)).toEqual(['x', 'a']);
});

it('says that an endpoint is known to be somewhere else', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a'));
  pass(100);
  publisher.update({
    ok: true,
    note: '',
    endpoints: [{ addresses: [{ host: 'a', port: 1 }] }],
    localities: new Map(),
  });
  expect(seen).toHaveLength(2);
});

it('keeps where held endpoints are', () => {
  const all: Resolution[] = [];
  const publisher = createPublisher((resolution) => void all.push(resolution));
  publisher.update(list('a'));
  vi.advanceTimersByTime(100);
  publisher.update(list('b'));
  expect(all.at(-1)).toMatchObject({
    localities: new Map([
      ['a:1', { node: 'a' }],
      ['b:1', { node: 'a' }],
    ]),
  });
});

it('replaces an endpoint that gains an address, with no moment of both', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a'));
  pass(100);
  publisher.update({
    ok: true,
    note: '',
    endpoints: [
      {
        addresses: [
          { host: 'a', port: 1 },
          { host: 'f', port: 1 },
        ],
      },
    ],
  });
  pass(200);
  expect(seen.slice(1)).toEqual([[100, 'a f']]);
});

it('never publishes twice within 10 ms, however things flap', () => {
  const { seen, publisher, pass } = published();
  // Each at half the pace of the one before: some flap within what is held, some outlast it.
  const hosts = [...'abcdefg'];
  for (let step = 0; step < 2000; step += 1) {
    publisher.update(list(...hosts.filter((_, index) => (step >> index) % 2 === 0)));
    pass(3);
  }
  const gaps = seen.slice(1).map(([atMs], index) => atMs - (seen[index]?.[0] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10);
  expect(seen.length).toBeGreaterThan(10);
});

it('publishes within 50 ms whatever lasts that long, with all that is new and nothing that is gone', () => {
  const comesOrGoes = fc.record({
    host: fc.constantFrom(...'abcde'),
    passMs: fc.integer({ min: 0, max: 30 }),
  });
  const story = fc.array(comesOrGoes, { minLength: 20, maxLength: 60 });
  const tellsInTime = (changes: { host: string; passMs: number }[]) => {
    const { seen, publisher, pass } = published();
    const since = new Map<string, number>();
    const there = new Set<string>();
    let nowMs = 0;
    for (const { host, passMs } of changes) {
      if (!there.delete(host)) there.add(host);
      since.set(host, nowMs);
      publisher.update(there.size === 0 ? error('none') : list(...there));
      pass(passMs);
      nowMs += passMs;
      const told = new Set(seen.at(-1)?.[1].split(' '));
      for (const [each, sinceMs] of since) {
        if (nowMs - sinceMs >= 50) expect([each, told.has(each)]).toEqual([each, there.has(each)]);
      }
    }
  };
  fc.assert(fc.property(story, tellsInTime), { numRuns: 500 });
});

it('ends up with what was said last', () => {
  const { seen, publisher, pass } = published();
  for (let step = 0; step < 50; step += 1) {
    publisher.update(
      list(...['a', 'b', 'c'].filter((_, index) => ((step * 7) >> index) % 2 === 0), `z${step}`),
    );
    pass(step % 9);
  }
  publisher.update(list('last'));
  pass(200);
  expect(seen.at(-1)?.[1]).toBe('last');
});

it('is silent once it is closed, also when that happens while it publishes', () => {
  const { seen, publisher, pass } = published();
  publisher.update(list('a'));
  publisher.update(list('b'));
  publisher.close();
  pass(500);
  expect(seen).toHaveLength(1);

  let calls = 0;
  const another = createPublisher(() => {
    calls += 1;
    if (calls === 2) another.close();
  });
  another.update(list('a'));
  pass(100);
  another.update(list('b'));
  expect(vi.getTimerCount()).toBe(0);
});
