import { expect, test } from 'vitest';
import { reconnectRate } from '../../scripts/checks/index.ts';
import type { HistoryEvent } from '../../scripts/history/index.ts';
import { ARM, counters } from '../support/history.ts';

/** Two servers that tell every second how many connections they were greeted on so far. */
const told = (perSecond: number, seconds = 20): HistoryEvent[] =>
  ['server-1', 'server-2'].flatMap((pod) =>
    Array.from({ length: seconds + 1 }, (_, second) => ({
      ...counters(pod, 1000 * second, {}, false),
      connections: { open: 3, opened: 100, greeted: 3 + Math.floor(perSecond * second) },
    })),
  );
const finding = (history: readonly HistoryEvent[], maxConnectionAgeMs: number | undefined) =>
  reconnectRate(history, {
    arm: ARM,
    part: { fromMs: 0, untilMs: 20_000 },
    connections: 6,
    maxConnectionAgeMs,
  });

test('connections that are made anew as often as their age says', () => {
  expect(finding(told(0.6), 5000)).toMatchObject({
    verdict: 'pass',
    message: '24 connections were made anew in 20s, 18 to 30 of 6 connections were expected',
  });
});

test('an age that is ignored, and one that nobody asked for', () => {
  expect(finding(told(0), 5000)).toMatchObject({
    verdict: 'fail',
    message: '0 connections were made anew in 20s, 18 to 30 of 6 connections were expected',
  });
  expect(finding(told(2), 5000).verdict).toBe('fail');
  expect(finding(told(0.6), undefined)).toMatchObject({
    verdict: 'fail',
    message: '24 connections were made anew in 20s, where none ages',
  });
});

test('an end that came late by as much as a machine short of CPU lets it, and no later', () => {
  expect(finding(told(0.3), 6000)).toMatchObject({
    verdict: 'pass',
    message: '12 connections were made anew in 20s, 12 to 24 of 6 connections were expected',
  });
  expect(finding(told(0.29), 6000).verdict).toBe('fail');
});

test('none where none ages', () => {
  expect(finding(told(0), undefined)).toMatchObject({
    verdict: 'pass',
    message: 'no connection was made anew',
  });
});

test('servers that told nothing', () => {
  expect(finding([], 5000)).toMatchObject({
    verdict: 'unknown',
    message: 'no server told of its connections',
  });
  expect(finding([counters('server-1', 0, {})], 5000).verdict).toBe('unknown');
});
