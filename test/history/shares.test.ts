import { expect, test } from 'vitest';
import { clientsOf, failuresOf, gapsOf, sharesPerPod } from '../../scripts/history/index.ts';
import { ARM, call, historyOf, servers, unanswered, workloadEnd } from '../support/history.ts';

test('shares count calls by when they were started and by who answered', () => {
  const history = [
    call(0, 0, { pod: 'a' }),
    call(1, 10, { pod: 'a', lateMs: 100 }),
    call(2, 20, { pod: 'b' }),
    call(3, 30, { pod: 'b', code: 'INTERNAL', message: 'oops' }),
    unanswered(call(4, 40)),
    call(5, 50, { pod: 'a', arm: 'control' }),
  ];
  expect(sharesPerPod(history, ARM, 10, 60)).toEqual({
    calls: 3,
    byPod: { b: 2 },
    unanswered: 1,
    failures: [
      { code: 'INTERNAL', count: 1, firstMs: 30, client: 'client-1', message: 'oops' },
      { code: 'UNAVAILABLE', count: 1, firstMs: 40, client: 'client-1', message: 'Connection dropped' },
    ],
  });
});

test('the shares of a round robin are even', () => {
  const { byPod } = sharesPerPod(historyOf({ pods: servers(4, { readyAtMs: 0 }) }), ARM, 0, 10_000);
  expect(byPod).toEqual({ 'server-1': 1000, 'server-2': 1000, 'server-3': 1000, 'server-4': 1000 });
});

test('failures are told by code, each with the earliest', () => {
  const calls = [
    unanswered(call(0, 300), 'UNAVAILABLE', 'later'),
    unanswered(call(1, 200, { source: 'client-2' }), 'UNAVAILABLE', 'earlier'),
    unanswered(call(2, 100), 'CANCELLED', 'cut'),
    call(3, 0, { pod: 'a' }),
  ];
  expect(failuresOf(calls)).toEqual([
    { code: 'UNAVAILABLE', count: 2, firstMs: 200, client: 'client-2', message: 'earlier' },
    { code: 'CANCELLED', count: 1, firstMs: 100, client: 'client-1', message: 'cut' },
  ]);
});

test('a client that only told how its work ended is a client too', () => {
  expect(clientsOf([call(0, 0), workloadEnd('client-0', 10, 0)], ARM)).toEqual(['client-0', 'client-1']);
});

test('gaps of the arm, and of no arm, are told', () => {
  const gap = (source: string, arm: string) => ({
    type: 'gap' as const,
    source,
    atMs: 0,
    arm,
    reason: 'broke',
  });
  const { arm, ...ofAll } = gap('driver', '');
  expect(gapsOf([gap('a', ARM), gap('b', 'control'), ofAll], ARM)).toEqual(['a: broke', 'driver: broke']);
});
