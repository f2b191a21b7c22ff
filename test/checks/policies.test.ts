// Checks of what policies for failures did: how many calls succeeded, and at the cost of how many attempts.
import { integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import {
  accounting,
  amplification,
  sharesCompared,
  successShare,
  worseFrom,
} from '../../scripts/checks/index.ts';
import type { Call, HistoryEvent } from '../../scripts/history/index.ts';
import { ARM, call, counters, workloadEnd } from '../support/history.ts';
import { holds } from '../support/property.ts';

const part = { fromMs: 0, untilMs: 10_000 };
const phase = 'failing';

/** So many calls, of which every so many-th has another answer. */
const calls = (howMany: number, every: number, answer: Partial<Call>, arm = ARM): HistoryEvent[] =>
  Array.from({ length: howMany }, (_, seq) =>
    call(seq, seq, { arm, pod: 'a', previousAttempts: 0, ...(seq % every === 0 ? answer : {}) }),
  );
const failed = { code: 'UNAVAILABLE', message: 'told to fail' };

test('success-share: within four standard deviations of what is expected', () => {
  const params = { arm: ARM, part, phase, expected: 0.75 };
  expect(successShare(calls(400, 4, failed), params)).toEqual({
    check: 'success-share failing',
    arm: ARM,
    verdict: 'pass',
    message: '300 of 400 calls succeeded (75.0%), expected 75.0% ±8.7%',
  });
  expect(successShare(calls(400, 8, failed), params)).toMatchObject({ verdict: 'fail' });
  expect(successShare(calls(400, 3, failed), params)).toMatchObject({ verdict: 'pass' });
  expect(successShare(calls(400, 2, failed), params)).toMatchObject({
    verdict: 'fail',
    message: '200 of 400 calls succeeded (50.0%), expected 75.0% ±8.7%',
  });
});

test('success-share: all of them means all of them', () => {
  const params = { arm: ARM, part, phase, expected: 1 };
  expect(successShare(calls(400, 500, {}), params)).toMatchObject({ verdict: 'pass' });
  expect(successShare(calls(4000, 4000, failed), params)).toMatchObject({
    verdict: 'fail',
    message: '3,999 of 4,000 calls succeeded (100.0%), expected 100.0%',
  });
});

test('success-share: what the model leaves open comes on top of chance', () => {
  const params = { arm: ARM, part, phase, expected: 0.75, mayBeOff: 0.2 };
  expect(successShare(calls(400, 2, failed), params)).toMatchObject({
    verdict: 'pass',
    message: '200 of 400 calls succeeded (50.0%), expected 75.0% ±28.7%',
  });
  expect(successShare(calls(400, 1, failed), params)).toMatchObject({ verdict: 'fail' });
});

test('success-share: too few calls, or calls of another time, cannot tell', () => {
  expect(successShare(calls(99, 4, failed), { arm: ARM, part, phase, expected: 0.75 }).verdict).toBe(
    'unknown',
  );
  const later = { fromMs: 20_000, untilMs: 30_000 };
  expect(successShare(calls(400, 4, failed), { arm: ARM, part: later, phase, expected: 0.75 })).toMatchObject(
    {
      verdict: 'unknown',
      message: '0 calls are too few, 100 are needed',
    },
  );
});

test('compared: better or worse than another arm, by so much', () => {
  const both = [...calls(400, 4, failed), ...calls(400, 2, failed, 'none')];
  const params = { arm: ARM, than: 'none', part, phase };
  expect(sharesCompared(both, { ...params, difference: { atLeast: 0.2 } })).toMatchObject({
    check: 'compared-with-none failing',
    verdict: 'pass',
    message:
      '75.0% of calls succeeded, 50.0% of those of none: a difference of +25.0 points, expected +20.0 points or more',
  });
  expect(sharesCompared(both, { ...params, difference: { atLeast: 0.3 } }).verdict).toBe('fail');
  expect(sharesCompared(both, { ...params, difference: { atMost: -0.3 } }).verdict).toBe('fail');
  const other = { ...params, arm: 'none', than: ARM };
  expect(sharesCompared(both, { ...other, difference: { atMost: -0.2 } })).toMatchObject({ verdict: 'pass' });
  expect(sharesCompared(both, { ...other, difference: { atMost: -0.3 } })).toMatchObject({
    verdict: 'fail',
    message:
      '50.0% of calls succeeded, 75.0% of those of treatment: a difference of -25.0 points, expected -30.0 points or less',
  });
  expect(sharesCompared(calls(400, 4, failed), { ...params, difference: { atLeast: 0 } }).verdict).toBe(
    'unknown',
  );
});

/** Steps of 200 calls each; of the arm's every so many-th fails, of the other's none. */
const stepped = (...every: number[]) => ({
  history: every.flatMap((each, index) =>
    [ARM, 'none'].flatMap((arm) =>
      Array.from({ length: 200 }, (_, seq) =>
        call(seq, 1000 * index + seq, { arm, ...(arm === ARM && seq % each === 0 ? failed : {}) }),
      ),
    ),
  ),
  steps: every.map((_, index) => ({
    at: index + 1,
    part: { fromMs: 1000 * index, untilMs: 1000 * index + 999 },
  })),
});
const worse = (
  { history, steps }: ReturnType<typeof stepped>,
  tipping: { from: number; to: number } | undefined,
) => worseFrom(history, { arm: ARM, than: 'none', steps, tipping });

test('worse-from: says between which steps it becomes worse', () => {
  expect(worse(stepped(500, 11, 2), { from: 2.5, to: 2.5 })).toEqual({
    check: 'worse-from-none',
    arm: ARM,
    verdict: 'pass',
    message:
      'becomes worse than none between 2 and 3 (1: 99.5% / 100.0%, 2: 90.5% / 100.0%, 3: 50.0% / 100.0%), ' +
      'expected at 2.50',
  });
});

test('worse-from: fails when it is worse too early, too late, or not at all', () => {
  const tipping = { from: 1.5, to: 2.5 };
  expect(worse(stepped(500, 500, 2), tipping).verdict).toBe('pass');
  expect(worse(stepped(500, 2, 2), tipping).verdict).toBe('pass');
  expect(worse(stepped(2, 2, 2), tipping)).toMatchObject({
    verdict: 'fail',
    message: expect.stringMatching(
      /^worse than none at 1, 2, 3 .*, expected somewhere between 1.50 and 2.50$/,
    ),
  });
  expect(worse(stepped(500, 2, 500), tipping)).toMatchObject({
    verdict: 'fail',
    message: expect.stringMatching(/^worse than none at 2 /),
  });
  expect(worse(stepped(500, 500, 500), tipping)).toMatchObject({
    verdict: 'fail',
    message: expect.stringMatching(/^nowhere worse than none /),
  });
});

test('worse-from: fails when it should be worse nowhere and is', () => {
  expect(worse(stepped(500, 500), undefined)).toMatchObject({
    verdict: 'pass',
    message: 'nowhere worse than none (1: 99.5% / 100.0%, 2: 99.5% / 100.0%), expected nowhere',
  });
  expect(worse(stepped(500, 2), undefined).verdict).toBe('fail');
});

test('worse-from: too few calls in a step, or no step, cannot tell', () => {
  const { history, steps } = stepped(500, 2);
  const few = history.filter((event) => event.atMs < 1000 || event.atMs >= 1110);
  expect(worse({ history: few, steps }, undefined)).toMatchObject({
    verdict: 'unknown',
    message: 'too few calls to compare with none, 100 are needed: 90 calls at 2',
  });
  expect(worse({ history, steps: [] }, undefined).verdict).toBe('unknown');
});

test('amplification: attempts per call, of calls that were answered', () => {
  const params = { arm: ARM, part, phase, expected: { mean: 1.25, mayBeOff: 0, deviation: 0.43 } };
  const retried = calls(400, 4, { previousAttempts: 1 });
  expect(amplification(retried, params)).toEqual({
    check: 'amplification failing',
    arm: ARM,
    verdict: 'pass',
    message: '1.25 attempts per call, expected 1.25 ±0.09 (400 calls)',
  });
  expect(amplification(calls(400, 2, { previousAttempts: 1 }), params).verdict).toBe('fail');
  expect(amplification(calls(400, 500, {}), params).verdict).toBe('fail');
  const vague = { ...params, expected: { ...params.expected, mayBeOff: 0.2 } };
  expect(amplification(calls(400, 2, { previousAttempts: 1 }), vague).verdict).toBe('pass');
  expect(amplification([], params).verdict).toBe('unknown');
});

test('amplification: what is to be exact may be off by a lost connection, no more', () => {
  const once = { arm: ARM, part, phase, expected: { mean: 1, mayBeOff: 0, deviation: 0 } };
  expect(amplification(calls(400, 80, { previousAttempts: 1 }), once).verdict).toBe('pass');
  expect(amplification(calls(400, 40, { previousAttempts: 1 }), once).verdict).toBe('fail');
});

test('amplification: slow calls may have been hedged', () => {
  const once = { arm: ARM, part, phase, expected: { mean: 1, mayBeOff: 0, deviation: 0 } };
  const hedging = { delayMs: 100, maxAttempts: 3 };
  const slow = calls(400, 10, { previousAttempts: 1, latencyMs: 150 });
  expect(amplification(slow, { ...once, hedging })).toMatchObject({
    verdict: 'pass',
    message: '1.10 attempts per call, expected 1.00 ±0.22 (400 calls, 40 calls slow enough to be hedged)',
  });
  expect(amplification(slow, once).verdict).toBe('fail');
  const late = calls(400, 10, { previousAttempts: 1, latencyMs: 150, lateMs: 100 });
  expect(amplification(late, { ...once, hedging }).verdict).toBe('fail');
});

/** `first` calls, answered at once, for which servers counted `second` attempts more. */
const hedged = (first: number, second: number): HistoryEvent[] => [
  ...calls(first, first + 1, {}),
  counters('a', 900, { 'client-1': [first, second] }),
  workloadEnd('client-1', 900, first),
];

test('accounting: attempts beside the one that was answered are known of hedging alone', () => {
  expect(accounting(hedged(100, 5), { arm: ARM, maxAttempts: 3 }).verdict).toBe('unknown');
  expect(accounting(hedged(100, 5), { arm: ARM, maxAttempts: 3, hedging: true }).verdict).toBe('pass');
});

test('property: accounting of hedging takes as many attempts as there can be, and no more', () => {
  holds(
    property(integer({ min: 1, max: 50 }), integer({ min: 2, max: 5 }), (howMany, maxAttempts) => {
      const most = howMany * (maxAttempts - 1);
      const params = { arm: ARM, maxAttempts, hedging: true };
      expect(accounting(hedged(howMany, most), params).verdict).toBe('pass');
      expect(accounting(hedged(howMany, most + 1), params).verdict).toBe('unknown');
    }),
  );
});
