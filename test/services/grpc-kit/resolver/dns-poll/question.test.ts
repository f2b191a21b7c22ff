import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createQuestion } from '../../../../../services/grpc-kit/src/resolver/dns-poll/question.ts';
import { fakeDns } from './fake-dns.ts';

let dns: ReturnType<typeof fakeDns>;
beforeEach(() => {
  dns = fakeDns();
});
afterEach(() => void vi.restoreAllMocks());

const BOTH = 'a aaaa lookup';
const RECORDS = 'a aaaa';

describe('the first answer', () => {
  it('shows that records are the same, which then are asked for alone', async () => {
    Object.assign(dns.told, { a: ['10.0.0.2', '10.0.0.1'], lookup: ['10.0.0.2', '10.0.0.1'], ttl: 5 });
    const ask = createQuestion('x');
    expect(await ask()).toEqual({ addresses: ['10.0.0.1', '10.0.0.2'], ttlMs: 5000 });
    expect(dns.takeAsked()).toBe(BOTH);
    dns.told.a = ['10.0.0.3', '10.0.0.3'];
    expect(await ask()).toEqual({ addresses: ['10.0.0.3'], ttlMs: 5000 });
    expect(dns.takeAsked()).toBe(RECORDS);
  });

  it('has IPv4 and IPv6', async () => {
    Object.assign(dns.told, { a: ['10.0.0.1'], aaaa: ['fd00::1'], lookup: ['10.0.0.1', 'fd00::1'] });
    const ask = createQuestion('x');
    expect((await ask()).addresses).toEqual(['10.0.0.1', 'fd00::1']);
    expect((await ask()).addresses).toEqual(['10.0.0.1', 'fd00::1']);
  });

  it.each([
    ['are none', 'ENOTFOUND'],
    ['are those of another name', ['192.0.2.1']],
    ['cannot be had', 'ECONNREFUSED'],
  ])('is that of getaddrinfo, from then on alone, when records %s', async (_, a) => {
    Object.assign(dns.told, { a, lookup: ['10.0.0.1'] });
    const ask = createQuestion('x');
    expect(await ask()).toEqual({ addresses: ['10.0.0.1'], ttlMs: undefined });
    dns.takeAsked();
    expect(await ask()).toEqual({ addresses: ['10.0.0.1'], ttlMs: undefined });
    expect(dns.takeAsked()).toBe('lookup');
  });

  it('does not wait long for records; the next one waits for the same, and what they say counts then', async () => {
    vi.useFakeTimers();
    const late = Promise.withResolvers<string[]>();
    Object.assign(dns.told, { a: late.promise, lookup: ['10.0.0.1'] });
    const ask = createQuestion('x');
    const first = ask();
    await vi.advanceTimersByTimeAsync(100);
    expect(await first).toEqual({ addresses: ['10.0.0.1'], ttlMs: undefined });
    expect(dns.takeAsked()).toBe(BOTH);
    const second = ask();
    late.resolve(['10.0.0.1']);
    await vi.advanceTimersByTimeAsync(0);
    expect(await second).toEqual({ addresses: ['10.0.0.1'], ttlMs: 30_000 });
    expect(dns.takeAsked()).toBe('lookup');
    expect((await ask()).ttlMs).toBe(30_000);
    expect(dns.takeAsked()).toBe(RECORDS);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('is of records when getaddrinfo has found nothing anywhere, but not when it could not tell', async () => {
    Object.assign(dns.told, { a: ['10.0.0.1'] });
    const ask = createQuestion('x');
    expect((await ask()).addresses).toEqual(['10.0.0.1']);
    dns.told.lookup = 'EAI_AGAIN';
    await expect(ask()).rejects.toThrow('lookup EAI_AGAIN x');
  });

  it('has the TTL of records that have only a part, but does not trust them alone', async () => {
    Object.assign(dns.told, { a: ['10.0.0.1'], lookup: ['10.0.0.1', 'fd00::1'], ttl: 7 });
    const ask = createQuestion('x');
    expect(await ask()).toEqual({ addresses: ['10.0.0.1', 'fd00::1'], ttlMs: 7000 });
    dns.takeAsked();
    await ask();
    expect(dns.takeAsked()).toBe(BOTH);
  });

  it('does not trust records while a family does not answer', async () => {
    Object.assign(dns.told, { a: ['10.0.0.1'], aaaa: 'ESERVFAIL', lookup: ['10.0.0.1'] });
    const ask = createQuestion('x');
    await ask();
    dns.takeAsked();
    await ask();
    expect(dns.takeAsked()).toBe(BOTH);
  });

  it('fails as getaddrinfo does', async () => {
    Object.assign(dns.told, { a: 'ENOTFOUND' });
    await expect(createQuestion('x')()).rejects.toThrow('lookup ENOTFOUND x');
  });
});

describe('records that were good', () => {
  async function good(aaaa: string[] | string = 'ENODATA') {
    const lookup = ['10.0.0.1', ...(Array.isArray(aaaa) ? aaaa : [])];
    Object.assign(dns.told, { a: ['10.0.0.1'], aaaa, lookup });
    const ask = createQuestion('x');
    await ask();
    dns.takeAsked();
    return ask;
  }

  it.each(['ESERVFAIL', 'ETIMEOUT', 'ECONNREFUSED'])('fail with %s: nobody else is asked', async (code) => {
    const ask = await good();
    dns.told.a = code;
    await expect(ask()).rejects.toThrow(`a ${code} x`);
    expect(dns.takeAsked()).toBe(RECORDS);
    dns.told.a = ['10.0.0.2'];
    expect((await ask()).addresses).toEqual(['10.0.0.2']);
  });

  it('fail when one family of two does, which would lose its addresses', async () => {
    const ask = await good(['fd00::1']);
    dns.told.aaaa = 'ESERVFAIL';
    await expect(ask()).rejects.toThrow('aaaa ESERVFAIL x');
    dns.told.aaaa = 'ENODATA';
    expect((await ask()).addresses).toEqual(['10.0.0.1']);
  });

  it('do not mind a family that has never had any', async () => {
    const ask = await good();
    dns.told.aaaa = 'ESERVFAIL';
    expect((await ask()).addresses).toEqual(['10.0.0.1']);
  });

  it('make way for getaddrinfo when there are none, and for both ways when that finds nothing either', async () => {
    const ask = await good();
    dns.told.a = 'ENOTFOUND';
    expect((await ask()).addresses).toEqual(['10.0.0.1']);
    dns.takeAsked();
    expect((await ask()).addresses).toEqual(['10.0.0.1']);
    expect(dns.takeAsked()).toBe('lookup');
    dns.told.lookup = 'ENOTFOUND';
    await expect(ask()).rejects.toThrow('lookup ENOTFOUND x');
    dns.takeAsked();
    Object.assign(dns.told, { a: ['10.0.0.9'], lookup: ['10.0.0.9'] });
    expect((await ask()).addresses).toEqual(['10.0.0.9']);
    expect(dns.takeAsked()).toBe(BOTH);
    await ask();
    expect(dns.takeAsked()).toBe(RECORDS);
  });
});
