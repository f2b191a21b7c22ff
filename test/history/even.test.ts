import { integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { findEven, type HistoryEvent } from '../../scripts/history/index.ts';
import { ARM, call, historyOf, podSeen, scaleIn, scaleOut, servers } from '../support/history.ts';
import { holds } from '../support/property.ts';

test('even is seen three windows after it became so', () => {
  const evenness = findEven(scaleOut(8000), ARM, { afterMs: 12_000 });
  expect(evenness).toEqual({ kind: 'even', atMs: 12_000 + 8000 + 6000 });
});

test('one client that leaves a pod out makes it uneven', () => {
  const pods = [
    ...servers(4, { readyAtMs: 0 }),
    ...servers(1, { readyAtMs: 0, calledFromMs: { 'client-2': 50_000 } }, 5),
  ];
  const evenness = findEven(historyOf({ pods }), ARM, { afterMs: 0, untilMs: 20_000 });
  expect(evenness).toEqual({
    kind: 'uneven',
    worst: {
      client: 'client-2',
      pod: 'server-5',
      calls: 0,
      ofCalls: 400,
      fairCalls: 80,
      windowEndMs: 20_000,
    },
  });
  expect(findEven(historyOf({ pods }), ARM, { afterMs: 50_000 }).kind).toBe('even');
});

test('a pod that left is not expected to get a share', () => {
  // The window that begins 250 ms before the last call on a leaving pod is within the tolerance.
  expect(findEven(scaleIn(1000), ARM, { afterMs: 11_000 })).toEqual({
    kind: 'even',
    atMs: 12_000 - 250 + 6000,
  });
});

test('a call counts when it was started, not when it was due', () => {
  const late = (lateMs: number) =>
    historyOf({
      pods: servers(2, { readyAtMs: 0 }),
      untilMs: 20_000,
      tamper: (made) => (made.pod === 'server-2' && made.atMs < 4000 ? { ...made, lateMs } : made),
    });
  expect(findEven(late(0), ARM, { afterMs: 0, untilMs: 7000 })).toEqual({ kind: 'even', atMs: 6000 });
  expect(findEven(late(30_000), ARM, { afterMs: 0, untilMs: 7000 }).kind).toBe('uneven');
});

test('ten percent off is even, more is not', () => {
  expect(findEven(skewed(110), ARM, { afterMs: 0 }).kind).toBe('even');
  expect(findEven(skewed(111), ARM, { afterMs: 0 }).kind).toBe('uneven');
});

test('too few calls, or too short a time, are told apart from uneven', () => {
  const slow = historyOf({ pods: servers(10, { readyAtMs: 0 }), ratePerSecond: 50 });
  expect(findEven(slow, ARM, { afterMs: 0 })).toEqual({ kind: 'too-few', callsPerPod: 10 });
  const twenty = historyOf({ pods: servers(10, { readyAtMs: 0 }), ratePerSecond: 100 });
  expect(findEven(twenty, ARM, { afterMs: 0 }).kind).toBe('even');
  expect(findEven(scaleOut(0), ARM, { afterMs: 55_000, untilMs: 60_000 })).toEqual({
    kind: 'too-short',
    lengthMs: 5000,
  });
  expect(findEven([podSeen('a', 0)], ARM, { afterMs: 0, untilMs: 10_000 }).kind).toBe('too-few');
});

test('property: never even while a Ready pod gets nothing', () => {
  holds(
    property(integer({ min: 2, max: 8 }), integer({ min: 0, max: 19_000 }), (pods, afterMs) => {
      const idle = servers(1, { readyAtMs: 0, calledFromMs: 30_000 }, pods);
      const history = historyOf({ pods: [...servers(pods - 1, { readyAtMs: 0 }), ...idle], untilMs: 30_000 });
      expect(findEven(history, ARM, { afterMs }).kind).not.toBe('even');
    }),
    { numRuns: 20 },
  );
});

test('property: even is always seen three windows after all pods are called in turn', () => {
  holds(
    property(integer({ min: 2, max: 10 }), integer({ min: 0, max: 40 }), (pods, wait) => {
      const late = servers(1, { readyAtMs: 0, calledFromMs: wait * 250 }, pods);
      const history = historyOf({ pods: [...servers(pods - 1, { readyAtMs: 0 }), ...late], untilMs: 20_000 });
      const evenness = findEven(history, ARM, { afterMs: 0 });
      // Within the tolerance the late pod may miss a tenth of its first window.
      if (evenness.kind !== 'even') expect.fail(JSON.stringify(evenness));
      expect(evenness.atMs).toBeLessThanOrEqual(wait * 250 + 6000);
      expect(evenness.atMs).toBeGreaterThan(wait * 250 + 6000 - 500);
    }),
    { numRuns: 20 },
  );
});

test('half a million calls are judged in well under a second or two', () => {
  const history = historyOf({ pods: servers(10, { readyAtMs: 0 }), ratePerSecond: 4000 });
  const startMs = performance.now();
  expect(findEven(history, ARM, { afterMs: 50_000 }).kind).toBe('even');
  expect(performance.now() - startMs).toBeLessThan(2000);
});

/** Each window of 200 calls gives pod a `calls` of them and pod b the rest. */
function skewed(calls: number): HistoryEvent[] {
  const made = Array.from({ length: 1000 }, (_, seq) =>
    call(seq, seq * 10, { pod: (seq * calls) % 200 < calls ? 'a' : 'b', previousAttempts: 0 }),
  );
  return [podSeen('a', 0), podSeen('b', 0), ...made];
}
