import { expect, test } from 'vitest';
import { between, figuresOf, placesOf } from '../../scripts/history/index.ts';
import { ARM, CHANGE_MS, call, historyOf, mark, servers, unanswered } from '../support/history.ts';

/** A server on each of a1, a2 and b; that on a1 goes with the change, another comes to a3 20 s after. */
const history = historyOf({
  clientNodes: { 'client-1': 'a1', 'client-2': 'a3' },
  pods: [
    ...servers(1, { readyAtMs: 0, node: 'a1', zone: 'a', goneAtMs: CHANGE_MS + 300 }, 1),
    ...servers(1, { readyAtMs: 0, node: 'a2', zone: 'a' }, 2),
    ...servers(1, { readyAtMs: 0, node: 'b', zone: 'b' }, 3),
    ...servers(1, { readyAtMs: 30_000, node: 'a3', zone: 'a' }, 4),
  ],
});
const places = placesOf(history, ARM);

test('nearness: own node, own zone, anywhere', () => {
  const tiers = ['server-1', 'server-2', 'server-3'].map((pod) => places.tierOf('client-1', pod, 5000));
  expect(tiers).toEqual([0, 1, 2]);
  expect(places.tierOf('client-1', 'nobody', 5000)).toBe(2);
});

test('the zone of a node is not known before there was an endpoint on it', () => {
  expect(places.tierOf('client-2', 'server-2', 5000)).toBe(2);
  expect(places.tierOf('client-2', 'server-2', 29_000)).toBe(2);
  expect(places.tierOf('client-2', 'server-2', 30_200)).toBe(1);
});

test('a pod that the change took counts as Ready until it was asked for, as gone only when it was', () => {
  expect(places.readyIn(0, CHANGE_MS)).toHaveLength(3);
  expect(places.readyIn(0, CHANGE_MS + 1).map(({ pod }) => pod)).toEqual(['server-2', 'server-3']);
  expect(places.hasLocal('client-1', 5000, CHANGE_MS - 1)).toBe(true);
  expect(places.hasLocal('client-1', 5000, CHANGE_MS + 1)).toBe(false);
  expect(places.lacksLocal('client-1', CHANGE_MS + 1, CHANGE_MS + 200)).toBe(false);
  expect(places.lacksLocal('client-1', CHANGE_MS + 301, CHANGE_MS + 400)).toBe(true);
  expect(places.lacksLocal('client-2', 0, 29_000)).toBe(true);
  expect(places.lacksLocal('client-2', 29_000, 30_000)).toBe(false);
});

test('attempts are counted of calls that were answered', () => {
  const calls = [
    call(0, 0, { pod: 'a', previousAttempts: 0 }),
    call(1, 1, { pod: 'a', previousAttempts: 2, code: 'UNAVAILABLE' }),
    unanswered(call(2, 2)),
  ];
  expect(figuresOf(calls)).toEqual({ calls: 3, ok: 1, attemptsPerCall: 2 });
  expect(figuresOf([unanswered(call(0, 0))]).attemptsPerCall).toBeUndefined();
});

test('parts of a run are between its marks', () => {
  const marked = [mark('baseline', 10), mark('end', 20), call(0, 30)];
  expect(between(marked, 'baseline', 'end')).toEqual({ fromMs: 10, untilMs: 20 });
  expect(between(marked, 'never', 'ever')).toEqual({ fromMs: Number.NEGATIVE_INFINITY, untilMs: 30 });
});
