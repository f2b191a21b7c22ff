// Checks of channels: which pods answered each, how connections are spread, and how many there are.
import { describe, expect, it, test } from 'vitest';
import { upperTail } from '../../scripts/checks/chi-square.ts';
import {
  ANSWERS,
  asResolved,
  connectionsOpen,
  evenPerChannel,
  onePodPerChannel,
  randomSpread,
  serversReady,
} from '../../scripts/checks/index.ts';
import {
  CLIENT_APP,
  type DnsProbed,
  type HistoryEvent,
  type SocketsSeen,
} from '../../scripts/history/index.ts';
import { ARM, call, podSeen, unanswered } from '../support/history.ts';

const POD_COUNT = 5;
const part = { fromMs: 0, untilMs: 100_000 };
const of = (channels: number) => ({ arm: ARM, channels, part });
const spread = (channels: number) => ({ ...of(channels), significance: 0.0002 });

const pods = (howMany = POD_COUNT): HistoryEvent[] =>
  Array.from({ length: howMany }, (_, index) => podSeen(`pod-${index}`, 0, { ip: `10.0.0.${index}` }));

/** Each channel makes so many calls; `podOf` says which pod answers one. */
function history(
  channels: number,
  callsEach: number,
  podOf: (channel: number, turn: number) => number | undefined,
): HistoryEvent[] {
  const calls = Array.from({ length: channels * callsEach }, (_, seq) => {
    const pod = podOf(seq % channels, Math.floor(seq / channels));
    const made = call(seq, seq * 10);
    return pod === undefined ? unanswered(made) : { ...made, pod: `pod-${pod}` };
  });
  return [...pods(), ...calls];
}

/** As many channels as the counts have in all, each with its one connection. */
function connections(perPod: readonly number[]): HistoryEvent[] {
  const answers = perPod.flatMap((howMany, index) => Array<string>(howMany).fill(`pod-${index}`));
  return [...pods(perPod.length), ...answers.map((pod, seq) => call(seq, seq, { pod }))];
}

describe('the tail of the chi-square distribution', () => {
  it('is what tables have', () => {
    // Source: any table of critical values.
    for (const [value, freedom, chance] of [
      [3.841, 1, 0.05],
      [5.991, 2, 0.05],
      [14.86, 4, 0.005],
      [18.467, 4, 0.001],
      [27.877, 9, 0.001],
      [0.711, 4, 0.95],
      [124.342, 100, 0.05],
    ] as const) {
      expect(upperTail(value, freedom) / chance).toBeCloseTo(1, 2);
    }
  });

  it('is exact where it is tiny', () => {
    // Of an even number of degrees of freedom it has a closed form: e^-x/2 (1 + x/2) for 4.
    for (const value of [1, 10, 100, 400]) {
      expect(upperTail(value, 4) / (Math.exp(-value / 2) * (1 + value / 2))).toBeCloseTo(1, 10);
    }
    expect(upperTail(0, 4)).toBe(1);
  });
});

test('random-spread', () => {
  expect(randomSpread(connections([20, 27, 14, 22, 17]), spread(100))).toMatchObject({
    verdict: 'pass',
    message:
      'spread as chance would: 100 connections to 5 pods, 14 to 27 each, chi-square 4.9, ' +
      'which chance exceeds in 30% of cases',
  });
  expect(randomSpread(connections([40, 10, 15, 20, 15]), spread(100))).toMatchObject({
    verdict: 'fail',
    message:
      'not spread as chance would: 100 connections to 5 pods, 10 to 40 each, chi-square 27.5, ' +
      'which chance exceeds once in 63,498 times',
  });
  expect(randomSpread(connections([40, 20, 25, 15, 0]), spread(100)).verdict).toBe('fail');
  expect(randomSpread(connections([25, 0, 0, 0, 0]), spread(25)).verdict).toBe('fail');
  // What is rare, but not so rare: chance does this once in 1,000 times.
  expect(randomSpread(connections([13, 4, 4, 3, 1]), spread(25)).verdict).toBe('pass');
  expect(randomSpread(connections([4, 4, 5, 4, 4]), spread(21))).toMatchObject({
    verdict: 'unknown',
    message: '21 connections to 5 pods are too few to tell: 5 per pod are needed',
  });
  expect(randomSpread(connections([100]), spread(100)).verdict).toBe('unknown');
});

test('random-spread counts a channel once, where its first call was answered', () => {
  const moved = Array.from({ length: 500 }, (_, i) => call(100 + i, 1000 + i, { pod: 'pod-0' }));
  expect(randomSpread([...moved, ...connections([20, 20, 20, 20, 20])], spread(100)).verdict).toBe('pass');
});

test('one-pod-per-channel', () => {
  const sticky = history(3, 20, (channel) => channel);
  expect(onePodPerChannel(sticky, of(3))).toMatchObject({
    verdict: 'pass',
    message: 'each of 3 channels was answered by one pod in all its calls (20 or more); 3 pods in all',
  });
  const moved = history(3, 20, (channel, turn) => (channel === 1 && turn > 15 ? 4 : channel));
  expect(onePodPerChannel(moved, of(3))).toMatchObject({
    verdict: 'fail',
    message: '1 channel of 3 were answered by several pods: channel 2 2',
  });
  // Calls dealt to three channels are no one channel's.
  expect(onePodPerChannel(sticky, of(1)).verdict).toBe('fail');
  expect(
    onePodPerChannel(
      history(3, 9, (channel) => channel),
      of(3),
    ),
  ).toMatchObject({
    verdict: 'unknown',
    message: 'too few calls to tell: a channel had 9 that were answered, 10 are needed',
  });
  const silent = history(3, 20, (channel) => (channel === 2 ? undefined : channel));
  expect(onePodPerChannel(silent, of(3)).message).toMatch(/a channel had 0 that were answered/);
  expect(onePodPerChannel([], of(1)).verdict).toBe('unknown');
});

test('even-per-channel', () => {
  const inTurn = history(4, 31, (channel, turn) => (channel + turn) % POD_COUNT);
  expect(evenPerChannel(inTurn, of(4))).toMatchObject({
    verdict: 'pass',
    message: '4 channels dealt calls to 5 pods evenly: no share off by more than 0.8 of 6 calls',
  });
  const skipping = history(4, 30, (channel, turn) =>
    channel === 3 && turn % POD_COUNT === 0 ? 1 : turn % POD_COUNT,
  );
  expect(evenPerChannel(skipping, of(4))).toMatchObject({
    verdict: 'fail',
    message: 'pod-0 had 0 of the 30 calls of channel 4, an even share is 6; so it was with 2 of 20 shares',
  });
  expect(
    evenPerChannel(
      history(1, 1000, () => 3),
      of(1),
    ).verdict,
  ).toBe('fail');
  // Even in sum, but no channel by itself.
  expect(
    evenPerChannel(
      history(5, 50, (channel) => channel),
      of(5),
    ).verdict,
  ).toBe('fail');
  expect(
    evenPerChannel(
      history(4, 24, (_, turn) => turn % POD_COUNT),
      of(4),
    ),
  ).toMatchObject({
    verdict: 'unknown',
    message: 'too few calls to tell: a channel had 24 that were answered, 25 are needed for 5 pods',
  });
  expect(evenPerChannel([], of(1)).verdict).toBe('unknown');
});

describe('as-resolved', () => {
  const params = { ...spread(25), name: 'svc' };
  const answers = (first: (index: number) => number, howMany = ANSWERS): DnsProbed[] =>
    Array.from({ length: howMany }, (_, index) => ({
      type: 'dns-probe',
      source: 'client-1',
      arm: ARM,
      atMs: 0,
      name: 'svc',
      asked: 'lookup',
      records: [`10.0.0.${first(index)}`, '10.0.0.9'],
      tookMs: 1,
    }));

  it('passes when connections go where answers begin', () => {
    const sorted = [...answers(() => 2), ...history(25, 2, () => 2)];
    expect(asResolved(sorted, params)).toMatchObject({
      verdict: 'pass',
      message: '60 answers of the resolver began with 1 pod: 25 connections went there',
    });
    const shuffled = [...answers((index) => index % POD_COUNT), ...connections([3, 6, 4, 7, 5])];
    expect(asResolved(shuffled, params)).toMatchObject({
      verdict: 'pass',
      message: '60 answers of the resolver began with 5 pods: 25 connections went there, 3 to 7 to each',
    });
  });

  it('fails when one goes elsewhere, or not to all alike', () => {
    const stray = [...answers(() => 2), ...history(25, 2, (channel) => (channel === 7 ? 4 : 2))];
    expect(asResolved(stray, params)).toMatchObject({
      verdict: 'fail',
      message: '60 answers of the resolver began with 1 pod, but 1 connection went to others: pod-4',
    });
    const lopsided = [...answers((index) => index % POD_COUNT), ...connections([25, 0, 0, 0, 0])];
    expect(asResolved(lopsided, params)).toMatchObject({
      verdict: 'fail',
      message:
        '60 answers of the resolver began with 5 pods, not all alike: 25 connections went there, 0 to 25 to each',
    });
  });

  it('cannot tell from few answers, or of channels that made no call', () => {
    const few = [...answers(() => 2, ANSWERS - 1), ...history(25, 2, () => 2)];
    expect(asResolved(few, params).message).toBe('59 answers of the resolver, 60 are needed');
    expect(asResolved([...few, ...answers(() => 2)], { ...params, name: 'other' }).verdict).toBe('unknown');
    const half = [...answers(() => 2), ...history(25, 1, (channel) => (channel < 12 ? 2 : undefined))];
    expect(asResolved(half, params)).toMatchObject({
      verdict: 'unknown',
      message:
        '12 of 25 channels had an answer within 250ms: slower ones may have gone on to the next address',
    });
  });

  it('does not count a channel that was slow to connect, when another address may have been first', () => {
    const slow = (howMany: number) =>
      history(25, 2, (channel) => (channel < howMany ? 4 : 2)).map((event) =>
        event.type === 'call' && event.seq < howMany ? { ...event, latencyMs: 300 } : event,
      );
    expect(asResolved([...answers(() => 2), ...slow(3)], params)).toMatchObject({
      verdict: 'pass',
      message: '60 answers of the resolver began with 1 pod: 22 connections went there',
    });
    expect(asResolved([...answers(() => 2), ...slow(13)], params).verdict).toBe('unknown');
  });
});

describe('connections-open', () => {
  const dialled = { arm: ARM, port: 50051 };
  const client = podSeen('client-1', 0, { app: CLIENT_APP });
  const sockets = (...remotes: readonly [string, string][]): SocketsSeen => ({
    type: 'sockets',
    source: 'client-1',
    arm: ARM,
    app: CLIENT_APP,
    atMs: 5000,
    states: {},
    portRange: null,
    connections: remotes.map(([remote, state], index) => {
      const [remoteAddress = '', port] = remote.split(':');
      return { localPort: 40_000 + index, remoteAddress, remotePort: Number(port), state };
    }),
  });
  const seen = [
    ...pods(),
    client,
    sockets(
      ['10.0.0.1:50051', 'ESTABLISHED'],
      ['10.0.0.2:50051', 'ESTABLISHED'],
      ['10.0.0.2:50051', 'TIME_WAIT'],
      ['10.96.0.1:50051', 'ESTABLISHED'],
      ['10.96.0.1:443', 'ESTABLISHED'],
    ),
  ];

  it('counts what is open to pods, or to a virtual IP', () => {
    expect(connectionsOpen(seen, { ...dialled, to: 'pods', expected: 2 })).toMatchObject({
      verdict: 'pass',
      message: '2 connections of each client to pods, as expected',
    });
    expect(connectionsOpen(seen, { ...dialled, to: 'virtual-ip', expected: 1 }).verdict).toBe('pass');
    expect(connectionsOpen(seen, { ...dialled, to: 'virtual-ip', expected: 25 })).toMatchObject({
      verdict: 'fail',
      message: 'expected 25 connections of each client to the virtual IP: client-1 had 1',
    });
    // The last time counts.
    const later = [...seen, sockets()];
    expect(connectionsOpen(later, { ...dialled, to: 'pods', expected: 2 }).verdict).toBe('fail');
  });

  it('cannot tell when a client was not asked', () => {
    const two = [...seen, podSeen('client-2', 0, { app: CLIENT_APP })];
    expect(connectionsOpen(two, { ...dialled, to: 'pods', expected: 2 })).toMatchObject({
      verdict: 'unknown',
      message: 'the sockets of 1 of 2 clients were read',
    });
    expect(connectionsOpen(pods(), { ...dialled, to: 'pods', expected: 0 }).verdict).toBe('unknown');
  });
});

test('servers-ready', () => {
  const ask = { arm: ARM, part, servers: POD_COUNT };
  expect(serversReady(pods(), ask)).toMatchObject({
    verdict: 'pass',
    message: '5 servers were Ready all the time',
  });
  const flapped = [...pods(), podSeen('pod-3', 500, { ready: false }), podSeen('pod-3', 600)];
  expect(serversReady(flapped, ask)).toMatchObject({
    verdict: 'unknown',
    message: '4 of 5 servers were Ready all the time, 5 should have been',
  });
  expect(serversReady(pods(6), ask).verdict).toBe('unknown');
  // Gone before, or not there yet: no matter.
  const before = [
    podSeen('old', -20, { ready: false }),
    podSeen('old', -10, { ready: false, deleted: true }),
    ...pods(),
  ];
  expect(serversReady(before, ask).verdict).toBe('pass');
  expect(serversReady([], ask).verdict).toBe('unknown');
});
