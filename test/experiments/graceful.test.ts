// The graceful experiment: the runs that it refuses, what it asks the cluster for, and its judgement of hand-written
// histories.
import { describe, expect, it } from 'vitest';
import graceful from '../../scripts/experiments/graceful/index.ts';
import type { HistoryEvent } from '../../scripts/history/index.ts';
import { type Aging, aging, END_MS } from '../support/graceful.ts';
import { mark } from '../support/history.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';

describe('options', () => {
  it.each([
    [
      '--max-connection-age 2s',
      '--max-connection-age 2.0s leaves no time to see a connection Make it 3.0s or more.',
    ],
    [
      '--grace 14s',
      '--call 15.0s: calls would mostly end before anything could cut them Make it 16.0s or more',
    ],
    ['--call 3s', 'Make it 4.0s or more: two seconds above the grace.'],
    ['--call 2m', '--call 2m00s is longer than a run waits Make it 1m00s or less.'],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(graceful, line)).toContain(said);
  });

  it('have defaults: three servers, two of them with arms of their own and of streams', () => {
    const { arms, prediction } = planOf(graceful, '');
    expect(arms.map(({ name, servers, clients, serversOf }) => [name, servers, clients, serversOf])).toEqual([
      ['no-grace', 1, 1, undefined],
      ['grace', 1, 1, undefined],
      ['grace-many', 0, 1, 'grace'],
      ['stream', 0, 1, 'no-grace'],
      ['stream-grace', 0, 1, 'grace'],
      ['no-age', 1, 1, undefined],
    ]);
    expect(arms.find(({ name }) => name === 'grace')?.serverEnv).toEqual({
      GRPC_MAX_CONNECTION_AGE_MS: '10000',
      GRPC_MAX_CONNECTION_AGE_GRACE_MS: '2000',
      INITIAL_LATENCY_MS: '15000',
    });
    expect(widthOf(prediction)).toBeLessThanOrEqual(80);
    expect(prediction).toContain('11.0s to 13.0s after it was made');
    expect(planOf(graceful, '--grace off').prediction).toContain('nothing is cut');
  });
});

const AS_PREDICTED: Record<string, Omit<Aging, 'arm'>> = {
  'no-grace': { ageMs: 10_000 },
  grace: { ageMs: 10_000, graceMs: 2000, everyMs: 12_000 },
  'grace-many': { ageMs: 10_000, graceMs: 2000 },
  stream: { ageMs: 10_000, streams: true, everyMs: 12_000 },
  'stream-grace': { ageMs: 10_000, graceMs: 2000, streams: true, everyMs: 12_000 },
  'no-age': {},
};

const historyWith = (changed: Record<string, Omit<Aging, 'arm'>> = {}): HistoryEvent[] =>
  [
    ...Object.entries({ ...AS_PREDICTED, ...changed }).flatMap(([arm, options]) =>
      aging({ arm, ...options }),
    ),
    mark('connected', 1000),
    mark('end', END_MS),
  ].sort((a, b) => a.atMs - b.atMs);

const judge = (changed?: Record<string, Omit<Aging, 'arm'>>) =>
  planOf(graceful, '').judge(historyWith(changed));

describe('a run', () => {
  it('passes when every arm does as predicted, and shows what became of calls', () => {
    const { judgement, tables, plots } = judge();
    expect(judgement.verdict, judgement.reasons.join('\n')).toBe('pass');
    const rows = new Map(tables?.[0]?.rows.map(([head = '', ...cells]) => [head, cells]));
    expect(rows.get('no-grace')).toEqual([
      '56 calls',
      '56',
      '–',
      '–',
      'up to 14.5s',
      '3 made, 1 open at the end',
    ]);
    expect(rows.get('grace')?.slice(0, 4)).toEqual(['3 calls', '0', '3 UNAVAILABLE', '12.0s to 12.0s']);
    expect(rows.get('grace-many')?.[2]).toBe('3 UNAVAILABLE, 53 INTERNAL');
    expect(rows.get('stream')).toEqual([
      '3 streams',
      '3 still open',
      '–',
      '–',
      'up to 17.9s',
      '3 made, 3 open at the end',
    ]);
    expect(plots?.[0]?.series.map(({ name }) => name)).toEqual(['no-grace', 'grace', 'grace-many', 'no-age']);
  });

  it.each<[string, Record<string, Omit<Aging, 'arm'>>, string]>([
    ['a call is cut without a grace', { 'no-grace': { ageMs: 10_000, graceMs: 2000 } }, 'no-grace'],
    ['the grace is not kept', { grace: { ageMs: 10_000, everyMs: 12_000 } }, 'grace'],
    ['a stream is cut without a grace', { stream: { ...AS_PREDICTED.stream, graceMs: 2000 } }, 'stream'],
    ['a stream is not cut', { 'stream-grace': AS_PREDICTED.stream ?? {} }, 'stream-grace'],
  ])('fails when %s', (_, changed, arm) => {
    const { judgement } = judge(changed);
    expect(judgement.verdict).toBe('fail');
    expect(
      judgement.reasons.every((reason) => reason.startsWith(`${arm}: `)),
      judgement.reasons.join('\n'),
    ).toBe(true);
  });

  it('cannot tell when connections age in the control', () => {
    expect(judge({ 'no-age': { ageMs: 10_000 } }).judgement).toMatchObject({
      verdict: 'unknown',
      reasons: [
        'the control did not behave as expected: no-age: 2 connections ended, at an age of 10.0s, 10.0s',
      ],
    });
  });
});
