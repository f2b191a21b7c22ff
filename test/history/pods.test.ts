import { expect, test } from 'vitest';
import {
  leavingPodsOf,
  newPodsOf,
  ownerOf,
  podsOf,
  readyThroughout,
  SERVER_APP,
  settledMs,
} from '../../scripts/history/index.ts';
import { ARM, CHANGE_MS, fault, podSeen, scaleIn, scaleOut } from '../support/history.ts';

test('a pod lives from its first event to its deleted one', () => {
  const history = [
    podSeen('a', 100, { phase: 'Pending', ready: false }),
    podSeen('a', 200, { ready: false, ip: '10.0.0.1', node: 'n1' }),
    podSeen('a', 300, { ip: '10.0.0.1' }),
    podSeen('a', 400, { ready: false, restarts: 1 }),
    podSeen('a', 500, { restarts: 1 }),
    podSeen('a', 600, { restarts: 1, terminating: true }),
    podSeen('a', 700, { ready: false, restarts: 1, terminating: true, deleted: true }),
  ];
  expect(podsOf(history, ARM, SERVER_APP)).toEqual([
    {
      pod: 'a',
      node: 'n1',
      ip: '10.0.0.1',
      ipSinceMs: 200,
      firstSeenMs: 100,
      readyAtMs: 300,
      ready: [
        { fromMs: 300, toMs: 400 },
        { fromMs: 500, toMs: 600 },
      ],
      terminatingAtMs: 600,
      goneAtMs: 700,
      restarts: 1,
      old: true,
    },
  ]);
});

test('the restarts of an earlier run are not counted', () => {
  const history = [podSeen('a', 0, { restarts: 3 }), podSeen('a', 1, { restarts: 4 })];
  expect(podsOf(history, ARM, SERVER_APP)[0]?.restarts).toBe(1);
});

test('pods of another arm or app are left out', () => {
  const history = [podSeen('a', 0, { arm: 'control' }), podSeen('b', 0, { app: 'greeter-client' })];
  expect(podsOf(history, ARM, SERVER_APP)).toEqual([]);
});

test('the change divides pods into old and new', () => {
  expect(newPodsOf(scaleOut(0), ARM).map(({ pod }) => pod)).toEqual(
    [6, 7, 8, 9, 10].map((n) => `server-${n}`),
  );
  expect(leavingPodsOf(scaleOut(0), ARM)).toEqual([]);
  expect(newPodsOf(scaleIn(0), ARM)).toEqual([]);
  expect(leavingPodsOf(scaleIn(0), ARM).map(({ pod }) => pod)).toEqual(
    [6, 7, 8, 9, 10].map((n) => `server-${n}`),
  );
});

test('a pod that was leaving before the change does not leave because of it', () => {
  const history = [
    podSeen('a', 0),
    podSeen('a', CHANGE_MS - 1, { terminating: true }),
    fault(CHANGE_MS),
    podSeen('a', CHANGE_MS + 1, { terminating: true, deleted: true }),
  ];
  expect(leavingPodsOf(history, ARM)).toEqual([]);
});

test('a change has settled with its last pod', () => {
  expect(settledMs(scaleOut(0), ARM)).toBe(12_000);
  expect(settledMs(scaleIn(0), ARM)).toBe(11_000);
  expect(settledMs([fault(CHANGE_MS)], ARM)).toBeUndefined();
  const unready = podSeen('slow', 11_000, { ready: false });
  expect(settledMs([...scaleOut(0), unready], ARM)).toBeUndefined();
});

test('an address that is used again belongs to the later pod from then on', () => {
  const history = [
    podSeen('a', 0, { ip: '10.0.0.1' }),
    podSeen('b', 50, { ready: false }),
    podSeen('a', 100, { ip: '10.0.0.1', deleted: true }),
    podSeen('b', 200, { ip: '10.0.0.1' }),
  ];
  const pods = podsOf(history, ARM, SERVER_APP);
  expect([60, 150, 200, 300].map((atMs) => ownerOf(pods, '10.0.0.1', atMs)?.pod)).toEqual([
    'a',
    'a',
    'b',
    'b',
  ]);
  expect(ownerOf(pods, '10.0.0.9', 100)).toBeUndefined();
});

test('a pod is Ready throughout a span that lies within one of its own', () => {
  const history = [podSeen('a', 100), podSeen('a', 200, { ready: false }), podSeen('a', 300)];
  const [pod] = podsOf(history, ARM, SERVER_APP);
  const ready = (fromMs: number, untilMs: number) => pod && readyThroughout(pod, fromMs, untilMs);
  expect([ready(100, 200), ready(300, 9000)]).toEqual([true, true]);
  expect([ready(99, 200), ready(100, 201), ready(150, 350)]).toEqual([false, false, false]);
});
