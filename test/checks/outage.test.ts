// Checks of restarts and outages, on hand-written histories.
import { describe, expect, it, test } from 'vitest';
import {
  answeredAgain,
  failuresSay,
  fewCallsLost,
  historyComplete,
  lostWithCode,
  readyInTime,
  replacedOrRestarted,
  silenceLength,
} from '../../scripts/checks/index.ts';
import type { HistoryEvent } from '../../scripts/history/index.ts';
import {
  ARM,
  CHANGE_MS,
  call,
  edit,
  historyOf,
  mark,
  podSeen,
  type Script,
  servers,
  unanswered,
} from '../support/history.ts';

const END_MS = 30_000;
const part = { fromMs: CHANGE_MS, untilMs: END_MS };

/** Two pods go 100 ms after the change, two others are Ready at 13 s, and are called from `calledFromMs` on. */
const replaced = (calledFromMs: number, rest: Partial<Script> = {}): HistoryEvent[] => [
  ...historyOf({
    clients: ['client-1'],
    ratePerSecond: 20,
    untilMs: END_MS,
    pods: [
      ...servers(2, { readyAtMs: 0, terminatingAtMs: 10_100, goneAtMs: 10_200 }),
      ...servers(2, { readyAtMs: 13_000, calledFromMs }, 3),
    ],
    ...rest,
  }),
  mark('end', END_MS),
];

const sockets = (atMs: number, states: Record<string, number>): HistoryEvent => ({
  ...{ type: 'sockets', arm: ARM, app: 'greeter-client', source: 'client-1', atMs, states },
  ...{ connections: [], portRange: null },
});

describe('silence-length', () => {
  const check = (calledFromMs: number, fromMs: number, toMs: number) =>
    silenceLength(replaced(calledFromMs), { arm: ARM, part, predicted: { fromMs, toMs } });

  it('is in the interval, shorter or longer', () => {
    expect(check(17_000, 6000, 8000)).toEqual({
      check: 'silence-length',
      arm: ARM,
      verdict: 'pass',
      message: 'no answer for 7.0s from 52ms after the change on, predicted 6.0s to 8.0s',
    });
    expect(check(17_000, 7500, 9000).verdict).toBe('fail');
    expect(check(17_000, 1000, 6500).verdict).toBe('fail');
  });

  it('cannot tell of one that is as long as predicted and not over, nor without a call', () => {
    expect(check(END_MS, 10_000, 25_000)).toMatchObject({ verdict: 'unknown' });
    expect(check(END_MS, 10_000, 25_000).message).toContain('to the end');
    expect(check(END_MS, 10_000, 12_000).verdict).toBe('fail');
    expect(check(END_MS, 22_000, 25_000).verdict).toBe('fail');
    expect(silenceLength([], { arm: ARM, part, predicted: { fromMs: 0, toMs: 1 } }).verdict).toBe('unknown');
  });
});

describe('few-calls-lost', () => {
  const lose = (howMany: number) =>
    replaced(10_100, {
      tamper: (made) => (made.seq >= 300 && made.seq < 300 + howMany ? unanswered(made) : made),
    });
  const check = (howMany: number) => fewCallsLost(lose(howMany), { arm: ARM, part, most: 3 });

  it('allows for so many and no more', () => {
    expect(check(0).message).toBe('none of 400 calls failed, at most 3 expected');
    expect([0, 3].map((howMany) => check(howMany).verdict)).toEqual(['pass', 'pass']);
    expect(check(4)).toMatchObject({
      verdict: 'fail',
      message:
        '4 of 400 calls failed, at most 3 expected: 4 UNAVAILABLE; the first 5.0s after the change, by client-1: ' +
        '"Connection dropped"',
    });
    expect(fewCallsLost([], { arm: ARM, part, most: 3 }).verdict).toBe('unknown');
  });
});

describe('lost-with-code', () => {
  it('wants at least one', () => {
    const cut = replaced(10_100, {
      tamper: (made) => (made.seq === 300 ? unanswered(made, 'CANCELLED', 'Call cancelled') : made),
    });
    const check = (history: HistoryEvent[], code: string) => lostWithCode(history, { arm: ARM, part, code });
    expect(check(cut, 'CANCELLED')).toEqual({
      check: 'lost-with-CANCELLED',
      arm: ARM,
      verdict: 'pass',
      message: '1 CANCELLED, the first 5.0s after the change: "Call cancelled"',
    });
    expect(check(cut, 'UNAVAILABLE')).toMatchObject({
      verdict: 'fail',
      message: 'none of 400 calls failed with UNAVAILABLE (1 CANCELLED)',
    });
    expect(check(replaced(10_100), 'CANCELLED').message).toContain('(none failed)');
    expect(check([], 'CANCELLED').verdict).toBe('unknown');
  });
});

describe('ready-in-time', () => {
  // Ready 2.9 s after the first pod had to leave.
  const check = (drainMs: number, expected: 'before' | 'after') =>
    readyInTime(replaced(13_000), { arm: ARM, drainMs, expected });

  it('says whether new pods were Ready before the first of the old ones was closed', () => {
    expect(check(3000, 'before')).toMatchObject({
      verdict: 'pass',
      message:
        'the first new pod was Ready 2.9s after an old one had to leave, the first that left served on for 3.0s',
    });
    expect(check(2500, 'before')).toMatchObject({ verdict: 'unknown' });
    expect(check(2500, 'before').message).toMatch(/: this arm is about pods that are Ready before that$/);
    expect(check(2500, 'after').verdict).toBe('pass');
    expect(check(3000, 'after').verdict).toBe('unknown');
  });

  it('knows of pods that are Ready before any has to leave, and of none', () => {
    const surge = historyOf({
      pods: [
        ...servers(1, { readyAtMs: 0, terminatingAtMs: 15_000 }),
        ...servers(1, { readyAtMs: 14_000 }, 2),
      ],
    });
    expect(readyInTime(surge, { arm: ARM, drainMs: 0, expected: 'before' })).toMatchObject({
      verdict: 'pass',
      message:
        'a new pod was Ready 1.0s before an old one had to leave, the first that left served on for 0ms',
    });
    const still = historyOf({ pods: servers(2, { readyAtMs: 0 }) });
    expect(readyInTime(still, { arm: ARM, drainMs: 0, expected: 'before' }).verdict).toBe('unknown');
  });
});

describe('answered-again', () => {
  const FIXED = { withinMs: 5000, mayHang: false };
  const check = (
    history: HistoryEvent[],
    recovery: Parameters<typeof answeredAgain>[1]['recovery'] = FIXED,
  ) => answeredAgain(history, { arm: ARM, recovery, callsEveryMs: 50 });

  it('passes within the time, and before Ready was heard of', () => {
    expect(check(replaced(17_900))).toEqual({
      check: 'answered-again',
      arm: ARM,
      verdict: 'pass',
      message: 'answered again 4.9s after Ready, at most 5.0s expected, 2.9s without a server',
    });
    expect(check(replaced(12_500)).message).toMatch(/^answered again before a server was seen to be Ready/);
    expect(check(replaced(12_500)).verdict).toBe('pass');
  });

  it('fails when it takes longer, and when there never is an answer', () => {
    expect(check(replaced(18_200))).toMatchObject({
      verdict: 'fail',
      message: 'answered again 5.2s after Ready, at most 5.0s expected, 2.9s without a server',
    });
    expect(check(replaced(END_MS))).toMatchObject({
      verdict: 'fail',
      message: 'no answer in 17.0s after Ready, at most 5.0s expected, 2.9s without a server',
    });
  });

  it('allows for as long again as it was down, where the delay grows with it', () => {
    const recovery = { withinMs: 0, orDownAndMs: 1000, mayHang: false };
    expect(check(replaced(16_500), recovery).message).toContain('at most 3.9s expected');
    expect(check(replaced(16_500), recovery).verdict).toBe('pass');
    expect(check(replaced(17_000), recovery).verdict).toBe('fail');
    expect(check(replaced(17_900), { ...recovery, withinMs: 5000 }).verdict).toBe('pass');
  });

  it('lets a connection hang where it may, as long as its socket is seen to', () => {
    const mayHang = { ...FIXED, mayHang: true };
    const hangs = sockets(20_000, { SYN_SENT: 1 });
    expect(check([...replaced(25_000), hangs], mayHang)).toMatchObject({
      verdict: 'pass',
      message:
        'answered again 12.0s after Ready, at most 5.0s expected, 2.9s without a server, ' +
        'but its connecting hangs, as it may: SYN_SENT 7.0s after Ready',
    });
    expect(check([...replaced(END_MS), hangs], mayHang).verdict).toBe('pass');
    expect(check([...replaced(25_000), hangs]).verdict).toBe('fail');
    expect(check(replaced(25_000), mayHang).verdict).toBe('fail');
    expect(check([...replaced(25_000), sockets(20_000, { ESTABLISHED: 1 })], mayHang).verdict).toBe('fail');
    expect(check([...replaced(25_000), hangs, sockets(24_000, {})], mayHang).verdict).toBe('fail');
    expect(check([...replaced(25_000), sockets(26_000, { SYN_SENT: 1 })], mayHang).verdict).toBe('fail');
  });

  it('cannot tell without an outage, nor when the run ended too soon', () => {
    expect(check(replaced(10_100))).toMatchObject({
      verdict: 'unknown',
      message: 'there was no outage: the longest time without an answer is 50ms',
    });
    expect(check(replaced(END_MS), { withinMs: 18_000, mayHang: false })).toMatchObject({
      verdict: 'unknown',
      message: expect.stringMatching(/the run ended before that$/),
    });
    expect(check([])).toMatchObject({ verdict: 'unknown', message: 'nothing was done to the servers' });
  });
});

describe('failures-say', () => {
  const NO_CONNECTION = { code: 'UNAVAILABLE', text: /^No connection established/ };
  const NO_NAME = { code: 'UNAVAILABLE', text: /^Name resolution failed/ };
  const named = replaced(17_000, {
    tamper: (made) =>
      made.code === 'OK' || made.seq % 2 === 0
        ? made
        : { ...made, message: 'Name resolution failed for target x' },
  });

  it('wants what is expected, and nothing that is not allowed', () => {
    expect(
      failuresSay(replaced(17_000), { arm: ARM, allowed: [NO_CONNECTION], expected: NO_CONNECTION }),
    ).toEqual({
      check: 'failures-say',
      arm: ARM,
      verdict: 'pass',
      message:
        '138 calls of 138 that failed said as expected, the first: UNAVAILABLE "No connection established"',
    });
    expect(
      failuresSay(named, { arm: ARM, allowed: [NO_CONNECTION, NO_NAME], expected: NO_NAME }),
    ).toMatchObject({
      verdict: 'pass',
      message: expect.stringMatching(/^69 calls of 138/),
    });
    expect(failuresSay(named, { arm: ARM, allowed: [NO_CONNECTION] })).toMatchObject({
      verdict: 'fail',
      message:
        'a call failed 150ms after the change with UNAVAILABLE "Name resolution failed for target x", ' +
        'which is not what was expected',
    });
    expect(
      failuresSay(replaced(17_000), { arm: ARM, allowed: [NO_CONNECTION], expected: NO_NAME }),
    ).toMatchObject({
      verdict: 'fail',
      message: 'none of 138 failed calls said UNAVAILABLE /^Name resolution failed/',
    });
    expect(failuresSay(replaced(17_000), { arm: ARM, allowed: [{ code: 'CANCELLED' }] }).verdict).toBe(
      'fail',
    );
  });

  it('lets calls run out of time where a connection hung while nobody answered, as its socket tells', () => {
    const inTime = replaced(17_000);
    const late = replaced(17_000, {
      tamper: (made) => (made.code === 'OK' ? made : { ...made, code: 'DEADLINE_EXCEEDED' }),
    });
    const judge = (hung: HistoryEvent[], mayHang: boolean, outage = late) =>
      failuresSay([...outage, ...hung], {
        ...{ arm: ARM, allowed: [NO_CONNECTION, { code: 'DEADLINE_EXCEEDED' }], expected: NO_NAME, mayHang },
      });
    const hangs = sockets(12_000, { SYN_SENT: 1 });
    expect(judge([hangs, sockets(16_000, {})], true)).toMatchObject({
      verdict: 'pass',
      message: expect.stringMatching(
        /^none of 138 failed calls said .*, for its connecting hung, as it may: SYN_SENT 2\.0s after the change$/,
      ),
    });
    expect(judge([hangs], false).verdict).toBe('fail');
    expect(judge([hangs], true, inTime).verdict).toBe('fail');
    expect(judge([], true).verdict).toBe('fail');
    expect(judge([sockets(18_000, { SYN_SENT: 1 })], true).verdict).toBe('fail');
  });

  it('does not mind when all calls waited, and cannot tell without an outage', () => {
    const waiting = replaced(17_000, {
      tamper: (made) =>
        made.code === 'OK'
          ? made
          : call(made.seq, made.atMs, { latencyMs: 17_010 - made.atMs, pod: 'server-3' }),
    });
    expect(failuresSay(waiting, { arm: ARM, allowed: [] })).toMatchObject({
      verdict: 'pass',
      message: 'no call failed: all waited, and were answered',
    });
    expect(failuresSay([], { arm: ARM, allowed: [] }).verdict).toBe('unknown');
  });
});

describe('other-pods and same-pods', () => {
  const restarted = [
    ...historyOf({ untilMs: END_MS, pods: servers(2, { readyAtMs: 0 }) }),
    ...['1', '2'].map((n) => podSeen(`server-${n}`, 12_000, { ip: `10.0.0.${n}`, restarts: 1 })),
  ];
  const check = (history: HistoryEvent[], expected: 'other-pods' | 'same-pods') =>
    replacedOrRestarted(history, { arm: ARM, servers: 2, expected });

  it('tell what became of pods', () => {
    expect(check(replaced(13_000), 'other-pods')).toEqual({
      check: 'other-pods',
      arm: ARM,
      verdict: 'pass',
      message: '2 of 2 pods went, 2 came, from 10.0.0.1, 10.0.0.2 to 10.0.0.3, 10.0.0.4',
    });
    expect(check(restarted, 'same-pods')).toMatchObject({
      verdict: 'pass',
      message: '2 of 2 pods had one restart and kept 10.0.0.1, 10.0.0.2',
    });
  });

  it('cannot tell of one when it was the other, or when an address came back', () => {
    expect(check(replaced(13_000), 'same-pods').verdict).toBe('unknown');
    expect(check(restarted, 'other-pods').verdict).toBe('unknown');
    expect(check(restarted.slice(0, -1), 'same-pods').verdict).toBe('unknown');
    const again = edit(replaced(13_000), (event) =>
      event.type === 'pod' && event.pod === 'server-3' && event.ip ? { ...event, ip: '10.0.0.1' } : event,
    );
    expect(check(again, 'other-pods').message).toMatch(/; 10\.0\.0\.1 came back$/);
    expect(check(again, 'other-pods').verdict).toBe('unknown');
  });
});

test('history-complete counts what is missing of servers that an arm shares', () => {
  const gap: HistoryEvent = { type: 'gap', source: 'driver', atMs: 5, arm: 'owner', reason: 'it restarted' };
  const shares: HistoryEvent = {
    type: 'shared-servers',
    source: 'driver',
    atMs: 0,
    arm: ARM,
    serversOf: 'owner',
  };
  const missing = (history: HistoryEvent[]) => historyComplete(history, { arm: ARM, clients: 1 }).message;
  expect(missing([...replaced(13_000), gap])).not.toContain('it restarted');
  expect(missing([...replaced(13_000), gap, shares])).toContain('it restarted');
});
