// What clients saw, and whether it is what they were to see.
import { describe, expect, it } from 'vitest';
import { describeReading } from '../../scripts/incidents/symptoms/describe.ts';
import {
  connectionsGrow,
  either,
  everyPod,
  failsWith,
  goesOn,
  onePod,
  onlyFails,
  onlyOldPods,
} from '../../scripts/incidents/symptoms/expectations.ts';
import { type Reading, readingBetween } from '../../scripts/incidents/symptoms/reading.ts';
import type { WorkloadStatus } from '../../services/protocol/index.ts';
import { workloadEnd } from '../support/history.ts';

const statusOf = (status: Partial<WorkloadStatus>): WorkloadStatus => workloadEnd('c', 0, 0, status).status;
const failure = (count: number, message = 'No connection established', code = 'UNAVAILABLE') => ({
  code,
  message,
  count,
  firstMs: 1,
  lastMs: 2,
});
const reading = (seen: Partial<Reading>): Reading => ({
  codes: {},
  failures: [],
  pods: {},
  connectionsGrown: 0,
  ...seen,
});
const PODS = { oldPods: ['a', 'b'], pods: ['a', 'b', 'c'] };

describe('a reading', () => {
  it('is what happened between two moments', () => {
    const before = statusOf({
      codes: { OK: 10, UNAVAILABLE: 2 },
      failures: [failure(2)],
      pods: { a: 6, b: 4 },
    });
    const after = statusOf({
      codes: { OK: 15, UNAVAILABLE: 5 },
      failures: [failure(3), failure(2, 'Name resolution failed')],
      pods: { a: 11, b: 4 },
    });
    expect(readingBetween(before, after, 3)).toEqual({
      codes: { OK: 5, UNAVAILABLE: 3 },
      failures: [failure(2, 'Name resolution failed'), failure(1)],
      pods: { a: 5 },
      connectionsGrown: 3,
    });
  });

  it('is told in lines', () => {
    const lines = describeReading(
      reading({ codes: { OK: 5, UNAVAILABLE: 3 }, failures: [failure(3)], pods: { a: 5 } }),
    );
    expect(lines).toEqual([
      'OK 5, UNAVAILABLE 3 of 8 calls; 1 pod answered',
      '3 × UNAVAILABLE: No connection established',
    ]);
    expect(describeReading(reading({}))).toEqual(['no call has ended']);
  });
});

describe('an expectation', () => {
  const well = reading({ codes: { OK: 60 }, pods: { a: 20, b: 20, c: 20 } });
  const some = reading({ codes: { OK: 30, UNAVAILABLE: 30 }, failures: [failure(30)], pods: { a: 30 } });
  const none = reading({ codes: { UNAVAILABLE: 60 }, failures: [failure(60)] });
  const nothing = reading({});
  const cases = [
    [goesOn, [well], [some, none, nothing]],
    [failsWith('UNAVAILABLE'), [some, none], [well, nothing]],
    [failsWith('UNAVAILABLE', /Name resolution/), [], [some, none]],
    [failsWith(['INTERNAL', 'UNAVAILABLE'], /No connection/), [some], [well]],
    [onlyFails('UNAVAILABLE'), [none], [some, well, nothing]],
    [onlyOldPods, [reading({ codes: { OK: 9 }, pods: { a: 5, b: 4 } })], [well, some, nothing]],
    [everyPod, [well], [some, none, nothing]],
    [
      onePod,
      [reading({ codes: { OK: 60 }, pods: { a: 60 } })],
      [well, reading({ codes: { OK: 3 }, pods: { a: 3 } })],
    ],
    [
      connectionsGrow,
      [reading({ codes: { OK: 9 }, connectionsGrown: 25 })],
      [well, reading({ connectionsGrown: 25 })],
    ],
    [either(goesOn, onlyFails('UNAVAILABLE')), [well, none], [some]],
  ] as const;

  it.each(cases.map(([expectation, yes, no]) => ({ words: expectation.words, expectation, yes, no })))(
    'that it $words',
    ({ expectation, yes, no }) => {
      for (const each of yes) expect(expectation.holds(each, PODS)).toBe(true);
      for (const each of no) expect(expectation.holds(each, PODS)).toBe(false);
    },
  );
});
