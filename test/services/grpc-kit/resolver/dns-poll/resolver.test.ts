import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CHANNEL_CONTEXT } from '../../../../../services/grpc-kit/src/grpc-experimental.ts';
import { DnsPollResolver } from '../../../../../services/grpc-kit/src/resolver/dns-poll/resolver.ts';
import * as telemetry from '../../../../../services/grpc-kit/src/telemetry.ts';
import { recorder } from '../recorder.ts';
import { parsed } from '../uri.ts';
import { fakeDns } from './fake-dns.ts';

vi.mock(import('../../../../../services/grpc-kit/src/telemetry.ts'), { spy: true });

let dns: ReturnType<typeof fakeDns>;
let resolvers: DnsPollResolver[];
beforeEach(() => {
  vi.clearAllMocks();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  dns = fakeDns();
  resolvers = [];
});
afterEach(() => {
  for (const resolver of resolvers) resolver.destroy();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

function poll(options = 'interval=5s&jitter=0', name = 'x:1') {
  const seen = recorder();
  const target = `dns-poll:///${name}?${options}`;
  const made = new DnsPollResolver(parsed(target), seen.listener, {
    [CHANNEL_CONTEXT]: { logger: seen.logger },
  });
  resolvers.push(made);
  return { made, seen, target };
}

/** Both ways find these. */
function tell(...addresses: string[]) {
  dns.told.a = addresses;
  dns.told.lookup = addresses;
}

/** Questions that begin within so many ms, after the one that is asked at first. */
async function questionsWithin(ms: number, options: string): Promise<number[]> {
  tell('10.0.0.1');
  const { made } = poll(options);
  made.updateResolution();
  await pass(0);
  dns.takeAsked();
  const startMs = performance.now();
  const times: number[] = [];
  for (let at = 0; at < ms; at += 10) {
    await pass(10);
    if (dns.takeAsked()) times.push(performance.now() - startMs);
  }
  made.destroy();
  return times;
}

describe('answers', () => {
  it('are told at once, never from within, and again only when they change', async () => {
    tell('10.0.0.2', '10.0.0.1');
    const { made, seen, target } = poll();
    made.updateResolution();
    expect(seen.publishes).toEqual([]);
    await pass(0);
    expect(seen.now).toBe('10.0.0.1:1 10.0.0.2:1');
    expect(seen.last?.localities).toBeUndefined();
    expect(seen.last?.note).toBe('DNS has 2 addresses of x');
    tell('10.0.0.1', '10.0.0.2');
    await pass(5000);
    expect(seen.publishes).toHaveLength(1);
    tell('10.0.0.1', '10.0.0.3');
    await pass(4990);
    expect(seen.publishes).toHaveLength(1);
    await pass(10);
    expect(seen.now).toBe('10.0.0.1:1 10.0.0.3:1');
    expect(vi.mocked(telemetry.resolverUpdated).mock.calls).toEqual([
      [target, 'ok', 2],
      [target, 'ok', 2],
    ]);
    expect(telemetry.resolverFresh).toHaveBeenCalledTimes(3);
  });

  it('need no DNS for an address', async () => {
    const { made, seen } = poll('interval=1s', '[fd00::1]:50051');
    made.updateResolution();
    expect(seen.publishes).toEqual([]);
    await pass(60_000);
    expect(seen.publishes).toHaveLength(1);
    expect(seen.now).toBe('[fd00::1]:50051');
    expect(dns.asked).toEqual([]);
  });
});

describe('when it asks', () => {
  it('is at the interval', async () => {
    expect(await questionsWithin(20_000, 'interval=5s&jitter=0')).toEqual([5000, 10_000, 15_000, 20_000]);
  });

  it('is every 30 s unless it is told otherwise', async () => {
    dns.told.ttl = 300;
    expect(await questionsWithin(60_000, 'jitter=0')).toEqual([30_000, 60_000]);
  });

  it('is when the TTL is over, if that is earlier, and it is not ignored', async () => {
    dns.told.ttl = 3;
    expect(await questionsWithin(9000, 'interval=5s&jitter=0')).toEqual([3000, 6000, 9000]);
    expect(await questionsWithin(10_000, 'interval=5s&jitter=0&ttl=ignore')).toEqual([5000, 10_000]);
  });

  it('is not more often than each second for a TTL of 0, but as often as the interval says', async () => {
    dns.told.ttl = 0;
    expect(await questionsWithin(3000, 'interval=5s&jitter=0')).toEqual([1000, 2000, 3000]);
    expect(await questionsWithin(1000, 'interval=500ms&jitter=0')).toEqual([500, 1000]);
  });

  it('varies by the jitter, to both sides', async () => {
    const times = await questionsWithin(400_000, 'interval=2s&jitter=0.5');
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(990);
    expect(Math.min(...gaps)).toBeLessThan(1300);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3010);
    expect(Math.max(...gaps)).toBeGreaterThan(2700);
  });

  it('is not later when the channel asks', async () => {
    tell('10.0.0.1');
    const { made } = poll('interval=500ms&jitter=0');
    made.updateResolution();
    await pass(100);
    dns.takeAsked();
    made.updateResolution();
    await pass(400);
    expect(dns.takeAsked()).toBe('a aaaa');
  });

  it('is soon when the channel asks, but not within 1 s of the last', async () => {
    tell('10.0.0.1');
    const { made, seen } = poll('interval=60s&jitter=0&ttl=ignore');
    made.updateResolution();
    await pass(300);
    dns.takeAsked();
    tell('10.0.0.2');
    made.updateResolution();
    made.updateResolution();
    await pass(690);
    expect(dns.takeAsked()).toBe('');
    await pass(10);
    expect(seen.now).toBe('10.0.0.2:1');
    expect(dns.takeAsked()).toBe('a aaaa');
    await pass(5000);
    made.updateResolution();
    await pass(1);
    expect(dns.takeAsked()).toBe('a aaaa');
  });
});

describe('failures', () => {
  it('keep the addresses; said once, and when it is over', async () => {
    tell('10.0.0.1');
    const { made, seen, target } = poll();
    made.updateResolution();
    await pass(0);
    dns.told.a = 'ESERVFAIL';
    await pass(60_000);
    expect(seen.publishes).toHaveLength(1);
    expect(seen.lines).toEqual([`warn ${target}: a ESERVFAIL x. Keeping the 1 addresses known`]);
    expect(telemetry.resolverFresh).toHaveBeenCalledTimes(1);
    tell('10.0.0.2');
    await pass(5000);
    expect(seen.now).toBe('10.0.0.2:1');
    expect(seen.lines[1]).toMatch(/^info .*: DNS answers again after \d+\.\d s$/);
    expect(seen.lines).toHaveLength(2);
  });

  it('without addresses are an error, told once for each reason, and retried with back-off', async () => {
    dns.told.a = 'ENOTFOUND';
    const { made, seen, target } = poll('interval=20s&jitter=0');
    made.updateResolution();
    await pass(0);
    expect(seen.now).toBe(`Name resolution failed for target ${target}: lookup ENOTFOUND x`);
    expect(seen.last?.code).toBe(status.UNAVAILABLE);
    await pass(10_000);
    // 0.5, 1, 2, 4, 8 s, each from half of it.
    const lookups = dns.asked.filter((kind) => kind === 'lookup').length;
    expect(lookups).toBeGreaterThanOrEqual(5);
    expect(lookups).toBeLessThanOrEqual(7);
    expect(seen.publishes).toHaveLength(1);
    dns.told.lookup = 'EAI_AGAIN';
    await pass(20_000);
    expect(seen.publishes).toHaveLength(2);
    expect(seen.now).toMatch(/EAI_AGAIN/);
    tell('10.0.0.1');
    await pass(20_000);
    expect(seen.now).toBe('10.0.0.1:1');
    expect(seen.lines.map((line) => line.slice(0, 4))).toEqual(['warn', 'info']);
    expect(seen.lines[0]).toMatch(/: lookup ENOTFOUND x\. Trying again$/);
    expect(vi.mocked(telemetry.resolverUpdated).mock.calls.map(([, outcome]) => outcome)).toEqual([
      'error',
      'error',
      'ok',
    ]);
  });

  it('are not retried later than the interval', async () => {
    tell('10.0.0.1');
    const { made, seen } = poll('interval=1s&jitter=0');
    made.updateResolution();
    await pass(0);
    dns.told.a = 'ESERVFAIL';
    await pass(60_000);
    tell('10.0.0.2');
    await pass(1000);
    expect(seen.now).toBe('10.0.0.2:1');
  });

  it('begin their back-off anew after a good answer', async () => {
    tell('10.0.0.1');
    const { made } = poll('interval=30s&jitter=0&ttl=ignore');
    made.updateResolution();
    await pass(0);
    dns.told.a = 'ESERVFAIL';
    await pass(120_000);
    tell('10.0.0.1');
    await pass(30_000);
    dns.told.a = 'ESERVFAIL';
    made.updateResolution();
    dns.takeAsked();
    await pass(2500);
    // Within 1 s, and again after the first of its steps, which is not more than 500 ms.
    expect(dns.asked.filter((kind) => kind === 'a').length).toBeGreaterThanOrEqual(2);
  });
});

describe('slow DNS', () => {
  it('is a failure after 5 s; its answer is taken all the same, and nothing else is asked meanwhile', async () => {
    let answer: (addresses: string[]) => void = () => {};
    dns.told.lookup = new Promise((resolve) => {
      answer = resolve;
    });
    const { made, seen } = poll('interval=1s&jitter=0');
    const setTimer = vi.spyOn(globalThis, 'setTimeout');
    made.updateResolution();
    await pass(4990);
    made.updateResolution();
    expect(seen.publishes).toHaveLength(0);
    await pass(10);
    expect(seen.now).toMatch(/: DNS did not answer within 5 s$/);
    await pass(60_000);
    expect(dns.takeAsked()).toBe('a aaaa lookup');
    answer(['10.0.0.1']);
    await pass(0);
    expect(seen.now).toBe('10.0.0.1:1');
    // Overdue, but not stacked up.
    await pass(1);
    expect(dns.takeAsked()).toBe('lookup');
    await pass(990);
    expect(dns.takeAsked()).toBe('');
    expect(setTimer.mock.calls.every(([, ms]) => (ms ?? 0) >= 0)).toBe(true);
  });

  it('is left in peace for a moment when it failed after a while', async () => {
    let fail: (error: Error) => void = () => {};
    dns.told.lookup = new Promise((_, reject) => {
      fail = reject;
    });
    const { made } = poll();
    made.updateResolution();
    await pass(4000);
    dns.takeAsked();
    fail(Object.assign(new Error('late'), { code: 'EAI_AGAIN' }));
    await pass(240);
    expect(dns.takeAsked()).toBe('');
    await pass(300);
    expect(dns.takeAsked()).toBe('a aaaa lookup');
  });

  it('says nothing to a resolver that was destroyed', async () => {
    dns.told.lookup = new Promise(() => {});
    const { made, seen } = poll();
    made.updateResolution();
    await pass(10);
    made.destroy();
    await pass(60_000);
    expect(seen.publishes).toEqual([]);
    expect(seen.lines).toEqual([]);
  });
});

describe('channels', () => {
  it('of the same target share one question', async () => {
    tell('10.0.0.1');
    const first = poll();
    const second = poll();
    first.made.updateResolution();
    second.made.updateResolution();
    await pass(0);
    expect(dns.takeAsked()).toBe('a aaaa lookup');
    expect([first, second].map(({ seen }) => seen.now)).toEqual(['10.0.0.1:1', '10.0.0.1:1']);
    const third = poll();
    third.made.updateResolution();
    expect(third.seen.publishes).toEqual([]);
    await pass(0);
    expect(third.seen.now).toBe('10.0.0.1:1');
    first.made.destroy();
    tell('10.0.0.2');
    await pass(5000);
    expect(second.seen.now).toBe('10.0.0.2:1');
    expect(first.seen.now).toBe('10.0.0.1:1');
    expect(telemetry.resolverClosed).not.toHaveBeenCalled();
    second.made.destroy();
    third.made.destroy();
    expect(telemetry.resolverClosed).toHaveBeenCalledTimes(1);
    dns.takeAsked();
    await pass(60_000);
    expect(dns.takeAsked()).toBe('');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('begin anew after they were destroyed', async () => {
    tell('10.0.0.1');
    const { made, seen } = poll();
    made.updateResolution();
    await pass(0);
    made.destroy();
    expect(vi.getTimerCount()).toBe(0);
    made.updateResolution();
    await pass(0);
    expect(seen.publishes).toHaveLength(2);
  });

  it('that are closed before anything began leave nothing', async () => {
    const { made } = poll('', '10.0.0.1:1');
    made.updateResolution();
    made.destroy();
    await pass(0);
    expect(telemetry.resolverUpdated).not.toHaveBeenCalled();
  });

  it('of an address are told each when they join', async () => {
    const [first, second] = [poll('', '10.0.0.1:1'), poll('', '10.0.0.1:1')];
    first.made.updateResolution();
    second.made.updateResolution();
    await pass(0);
    expect([first, second].map(({ seen }) => seen.publishes.length)).toEqual([1, 1]);
  });
});
