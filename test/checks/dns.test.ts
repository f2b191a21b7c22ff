// Checks of what names answer, on hand-written histories of slices, answers and probes.
import { describe, expect, it, test } from 'vitest';
import {
  answerConstant,
  answersCounted,
  answersFollow,
  asProbed,
  outcomeOf,
} from '../../scripts/checks/index.ts';
import {
  answeredAddresses,
  type DnsAnswer,
  type DnsProbed,
  type DryRun,
  type EndpointsSeen,
  type HistoryEvent,
  readyAddresses,
  type TcpProbed,
} from '../../scripts/history/index.ts';
import { ARM } from '../support/history.ts';

const NAME = 'svc';
const ips = (...last: readonly number[]): string[] => last.map((n) => `10.0.0.${n}`);

const slice = (
  atMs: number,
  addresses: readonly string[],
  unready: readonly string[] = [],
  name = 'a',
): EndpointsSeen => ({
  type: 'endpoints',
  source: 'driver',
  atMs,
  arm: ARM,
  service: NAME,
  slice: name,
  endpoints: [...addresses, ...unready].map((ip) => {
    const ready = !unready.includes(ip);
    return { ip, ready, serving: ready, terminating: false };
  }),
});

const answer = (atMs: number, records: string[], error?: string): DnsAnswer => ({
  type: 'dns',
  source: 'client-1',
  atMs,
  arm: ARM,
  name: NAME,
  records,
  ...(error === undefined ? {} : { error }),
});

test('ready addresses are those of all slices, from one change to the next', () => {
  const seen = [
    slice(0, ips(1), ips(9)),
    slice(5, ips(2), [], 'b'),
    slice(10, ips(1), ips(9, 8)),
    slice(20, [], [], 'a'),
  ];
  expect(readyAddresses(seen, NAME)).toEqual([
    { fromMs: 0, untilMs: 5, addresses: ips(1) },
    { fromMs: 5, untilMs: 20, addresses: ips(1, 2) },
    { fromMs: 20, untilMs: Number.POSITIVE_INFINITY, addresses: ips(2) },
  ]);
  expect(readyAddresses(seen, 'other')).toEqual([]);
});

test('no such name is no address; a resolver that does not answer is neither', () => {
  const heard = answeredAddresses([answer(0, [], 'ENOTFOUND'), answer(5, [], 'EAI_AGAIN')], NAME);
  expect(heard.map(({ failed }) => failed)).toEqual([undefined, 'EAI_AGAIN']);
});

describe('answers-follow', () => {
  const params = { arm: 'headless', name: NAME, boundMs: 2000, untilMs: 60_000 };
  /** Two, then three, then none; each answered so much later. */
  const followed = (afterMs: number, last: HistoryEvent[] = [answer(20_000 + afterMs, [], 'ENOTFOUND')]) => [
    slice(0, ips(1, 2)),
    answer(500, ips(1, 2)),
    slice(10_000, ips(1, 2, 3)),
    answer(10_000 + afterMs, ips(1, 2, 3)),
    slice(20_000, []),
    ...last,
  ];

  it('passes when each change is answered in time, or a little before the lab heard of it', () => {
    expect(answersFollow(followed(300), params)).toEqual({
      check: 'answers-follow',
      arm: 'headless',
      verdict: 'pass',
      message: '2 changes of the EndpointSlices of svc: the answer followed within 300ms, bound 2.0s',
    });
    expect(answersFollow(followed(-20), params).message).toMatch(/within 0ms/);
  });

  it('fails when an answer comes late, never, or has what no slice had', () => {
    expect(answersFollow(followed(2500), params)).toMatchObject({
      verdict: 'fail',
      message: expect.stringMatching(/svc answered what its slices had, 3 addresses ready at .*, after 2.5s/),
    });
    expect(answersFollow(followed(300, []), params)).toMatchObject({
      verdict: 'fail',
      message: expect.stringMatching(/svc never answered what its slices had for 40.0s: no addresses ready/),
    });
    const stray = [...followed(300), answer(15_000, ips(1, 2, 7)), answer(15_300, ips(1, 2, 3))].sort(
      (a, b) => a.atMs - b.atMs,
    );
    expect(answersFollow(stray, params)).toMatchObject({
      verdict: 'fail',
      message: expect.stringMatching(/answered 3 addresses that its slices did not have/),
    });
    // What was right long ago is wrong now.
    const stale = [...followed(300), answer(15_000, ips(1, 2)), answer(15_300, ips(1, 2, 3))].sort(
      (a, b) => a.atMs - b.atMs,
    );
    expect(answersFollow(stale, params).verdict).toBe('fail');
  });

  it('does not ask for what lasted no longer than the bound', () => {
    const brief = [...followed(300), slice(15_000, ips(1, 2)), slice(16_000, ips(1, 2, 3))].sort(
      (a, b) => a.atMs - b.atMs,
    );
    expect(answersFollow(brief, params).verdict).toBe('pass');
  });

  it('cannot tell when nothing changed, nobody asked, or the resolver did not answer', () => {
    expect(answersFollow([slice(0, ips(1)), answer(0, ips(1))], params)).toMatchObject({
      verdict: 'unknown',
      message: 'the EndpointSlices of svc did not change',
    });
    expect(answersFollow([slice(0, ips(1))], params).message).toBe('svc was not watched');
    const silent = followed(300, [answer(20_100, [], 'EAI_AGAIN')]);
    expect(answersFollow(silent, params)).toMatchObject({
      verdict: 'unknown',
      message: expect.stringMatching(/^the resolver could not tell .*EAI_AGAIN$/),
    });
  });
});

test('answers-counted', () => {
  const heard = [answer(0, ips(1, 2)), answer(10, ips(1, 2, 3)), answer(20, [], 'ENOTFOUND')];
  const counted = (...expected: readonly number[]) =>
    answersCounted(heard, {
      arm: 'headless',
      name: NAME,
      moments: expected.map((each, index) => ({
        when: `step ${index}`,
        atMs: 5 + 10 * index,
        expected: each,
      })),
    });
  expect(counted(2, 3, 0)).toMatchObject({
    verdict: 'pass',
    message: 'svc had 2, 3, 0 addresses, as expected after each of 3 changes',
  });
  expect(counted(2, 2, 1)).toMatchObject({
    verdict: 'fail',
    message: 'svc had the wrong number of addresses: step 1 3, expected 2, step 2 0, expected 1',
  });
  expect(counted().verdict).toBe('unknown');
  const moments = [{ when: 'then', atMs: 30, expected: 0 }];
  expect(answersCounted([], { arm: 'headless', name: NAME, moments }).verdict).toBe('unknown');
  const again = [...heard, answer(25, [], 'EAI_AGAIN')];
  expect(answersCounted(again, { arm: 'headless', name: NAME, moments })).toMatchObject({
    verdict: 'unknown',
    message: 'the resolver could not tell of svc: then: EAI_AGAIN',
  });
});

test('answer-constant', () => {
  const params = { arm: 'cluster-ip', name: NAME };
  expect(answerConstant([answer(0, ips(1)), answer(9, ips(1))], params)).toMatchObject({
    verdict: 'pass',
    message: 'svc answered 10.0.0.1 all the time',
  });
  expect(answerConstant([answer(0, ips(1)), answer(9, ips(2))], params)).toMatchObject({
    verdict: 'fail',
    message: expect.stringMatching(/^svc answered 10.0.0.2 at .*, where it is to answer 10.0.0.1 for ever$/),
  });
  expect(answerConstant([answer(0, ips(1, 2))], params).verdict).toBe('fail');
  expect(answerConstant([answer(0, ips(1)), answer(9, [], 'ENOTFOUND')], params).message).toMatch(
    /no address/,
  );
  expect(answerConstant([answer(0, ips(1)), answer(9, [], 'EAI_AGAIN')], params).verdict).toBe('unknown');
  expect(answerConstant([], params).verdict).toBe('unknown');
});

describe('as-probed', () => {
  const tcp = (rest: Partial<TcpProbed>): TcpProbed => ({
    type: 'tcp-probe',
    source: 'client-1',
    atMs: 0,
    arm: ARM,
    host: NAME,
    port: 9000,
    connected: false,
    tookMs: 1,
    ...rest,
  });
  const dns = (rest: Partial<DnsProbed>): DnsProbed => ({
    type: 'dns-probe',
    source: 'client-1',
    atMs: 0,
    arm: ARM,
    name: NAME,
    asked: 'lookup',
    records: [],
    tookMs: 1,
    ...rest,
  });

  it('is told what came of a probe', () => {
    expect(outcomeOf(tcp({ connected: true }))).toBe('connected');
    expect(outcomeOf(tcp({ error: 'ECONNREFUSED' }))).toBe('ECONNREFUSED');
    const dryRun: DryRun = {
      type: 'dry-run',
      source: 'driver',
      atMs: 0,
      arm: ARM,
      name: NAME,
      accepted: true,
    };
    expect(outcomeOf(dryRun)).toBe('accepted');
    expect(outcomeOf({ ...dryRun, accepted: false, error: 'is invalid' })).toBe('refused');
    expect(outcomeOf(dns({ records: ips(1) }))).toBe('1 address');
    expect(outcomeOf(dns({ records: ips(1, 2) }))).toBe('2 addresses');
    expect(outcomeOf(dns({ asked: 'SRV', records: ['0 50 50051 a.svc', '0 50 50051 b.svc'] }))).toBe(
      'port 50051',
    );
  });

  it('passes, fails, or cannot tell', () => {
    const asked = { arm: 'headless', asked: 'connect', expected: ['ECONNREFUSED'] };
    expect(asProbed({ ...asked, probe: tcp({ error: 'ECONNREFUSED' }) })).toMatchObject({
      verdict: 'pass',
      message: 'connect: ECONNREFUSED, as expected',
    });
    expect(asProbed({ ...asked, probe: tcp({ connected: true }) })).toMatchObject({
      verdict: 'fail',
      message: 'connect: connected, expected ECONNREFUSED',
    });
    expect(asProbed({ ...asked, probe: undefined }).verdict).toBe('unknown');
    expect(asProbed({ ...asked, probe: dns({ error: 'EAI_AGAIN' }) }).verdict).toBe('unknown');
  });
});
