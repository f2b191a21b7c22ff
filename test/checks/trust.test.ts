// Checks of the history itself: is it complete, do clients and servers agree; and what a verdict makes of it.
import { array, constantFrom, integer, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import {
  accounting,
  type Finding,
  historyComplete,
  restingOn,
  verdictOf,
} from '../../scripts/checks/index.ts';
import type { Call, HistoryEvent } from '../../scripts/history/index.ts';
import {
  ARM,
  call,
  clock,
  counters,
  edit,
  podSeen,
  scaleOut,
  unanswered,
  workloadEnd,
} from '../support/history.ts';
import { holds } from '../support/property.ts';

test('history-complete: passes and prints the error bound of the clocks', () => {
  expect(historyComplete(scaleOut(0), { arm: ARM, clients: 2 })).toMatchObject({
    check: 'history-complete',
    verdict: 'pass',
    message: 'all 24,000 calls of 2 clients recorded; clocks known to ±1.0ms',
  });
});

test.each<[string, (event: HistoryEvent) => HistoryEvent | undefined, RegExp]>([
  [
    'a lost call',
    (e) => (isCall(e, 'client-1', 77) ? undefined : e),
    /client-1 ended 12,000 calls, 11999 were recorded/,
  ],
  [
    'a call told twice',
    (e) => (isCall(e, 'client-1', 77) ? { ...e, seq: 78 } : e),
    /client-1 told 1 call twice/,
  ],
  [
    'a number too high',
    (e) => (isCall(e, 'client-1', 77) ? { ...e, seq: 50_000 } : e),
    /12000 were recorded/,
  ],
  ['no end', (e) => (isEnd(e) ? undefined : e), /client-1 did not tell how its work ended, client-2 did not/],
  [
    'a call in flight',
    (e) => (isEnd(e) ? { ...e, status: { ...e.status, inFlight: 1 } } : e),
    /1 call of client-1 had not/,
  ],
  [
    'a vague clock',
    (e) => (isClock(e) ? { ...e, errorMs: 5.1 } : e),
    /client-1 is known to ±5.1ms only, 5ms are needed/,
  ],
  ['an unknown clock', (e) => (isClock(e) ? undefined : e), /the clock of client-1 was never measured/],
])('history-complete: %s is unknown', (_, change, message) => {
  const finding = historyComplete(edit(scaleOut(0), change), { arm: ARM, clients: 2 });
  expect(finding.verdict).toBe('unknown');
  expect(finding.message).toMatch(message);
});

test.each<[string, HistoryEvent, string]>([
  [
    'a gap',
    { type: 'gap', source: 'driver', atMs: 5, reason: 'the pod watch broke' },
    'driver: the pod watch broke',
  ],
  [
    'a restart',
    podSeen('client-2', 30_000, { app: 'greeter-client', restarts: 1 }),
    'client-2 restarted (1 time)',
  ],
])('history-complete: %s is unknown', (_, event, message) => {
  expect(historyComplete([...scaleOut(0), event], { arm: ARM, clients: 2 })).toMatchObject({
    verdict: 'unknown',
    message,
  });
});

test('history-complete: a client that was never heard of is missed', () => {
  expect(historyComplete(scaleOut(0), { arm: ARM, clients: 3 })).toMatchObject({
    verdict: 'unknown',
    message: '2 of 3 clients were heard of',
  });
});

test('history-complete: what is missing from the other arm does not matter, and the best clock bound counts', () => {
  const elsewhere: HistoryEvent = { type: 'gap', source: 'x', atMs: 5, arm: 'control', reason: 'broke' };
  const history = [...scaleOut(0), elsewhere, clock('client-1', 30), clock('control-client', 30)];
  expect(historyComplete(history, { arm: ARM, clients: 2 }).verdict).toBe('pass');
});

const withRetry = { arm: ARM, maxAttempts: 3 };
const once = { arm: ARM, maxAttempts: 1 };

test('accounting: adds up', () => {
  expect(accounting(scaleOut(0), once)).toMatchObject({
    check: 'accounting',
    verdict: 'pass',
    message:
      '10 servers got 24,000 attempts, clients got 24,000 answers; at most 0 attempts can have ended without one',
  });
});

test('accounting: a server that counted fewer than it answered', () => {
  expect(accounting([...answered(10), counters('a', 900, { 'client-1': [9] })], once)).toMatchObject({
    verdict: 'unknown',
    message:
      "the run's numbers cannot be trusted: a counted 9 first attempts of client-1, which got 10 answers",
  });
});

test('accounting: first attempts do not make up for retries', () => {
  const history = [
    podSeen('a', 0),
    call(0, 10, { pod: 'a', previousAttempts: 1 }),
    workloadEnd('client-1', 900, 1),
    counters('a', 900, { 'client-1': [2] }),
  ];
  expect(accounting(history, withRetry).message).toMatch(/a counted 0 attempts after 1 others of client-1/);
  expect(accounting(history, withRetry).verdict).toBe('unknown');
});

test('accounting: more attempts than can have been made', () => {
  expect(accounting([...answered(10), counters('a', 900, { 'client-1': [11] })], once)).toMatchObject({
    verdict: 'unknown',
    message:
      "the run's numbers cannot be trusted: servers counted 1 attempts of client-1 beyond its answers (a 1), " +
      'at most 0 can have ended without one',
  });
});

test.each<[string, HistoryEvent[], number[]]>([
  ['a retry', [call(10, 50, { pod: 'a', previousAttempts: 1 }), workloadEnd('client-1', 900, 11)], [11, 1]],
  ['a failed call', [unanswered(call(10, 50)), workloadEnd('client-1', 900, 11)], [11, 1, 1]],
  ['a transparent retry', [workloadEnd('client-1', 900, 10, { transparentRetries: 1 })], [11]],
  ['a call that was cut', [workloadEnd('client-1', 900, 11, { ended: 10 })], [11, 1, 1]],
])('accounting: %s accounts for attempts without an answer, and for no more', (_, events, counts) => {
  const history = edit(answered(10), (event) => (event.type === 'workload-end' ? undefined : event));
  const [first = 0, ...retries] = counts;
  expect(
    accounting([...history, ...events, counters('a', 900, { 'client-1': counts })], withRetry).verdict,
  ).toBe('pass');
  const more = counters('a', 900, { 'client-1': [first + 1, ...retries] });
  expect(accounting([...history, ...events, more], withRetry).verdict).toBe('unknown');
});

test('accounting: a pod that died before its final count may have counted what came after its last report', () => {
  const until500 = (counted: number) => [
    ...answered(10),
    counters('a', 55, { 'client-1': [counted] }, false),
  ];
  // Of ten calls at 0, 10, … 90 the last report at 55 must have five, and may have any of those around or after it.
  expect([4, 5, 10, 11].map((counted) => accounting(until500(counted), once).verdict)).toEqual([
    'unknown',
    'pass',
    'pass',
    'unknown',
  ]);
});

test('accounting: counts begin anew when a server restarts', () => {
  const reports = [
    counters('a', 15, { 'client-1': [2] }, false),
    counters('a', 48, { 'client-1': [1] }, false),
    counters('a', 900, { 'client-1': [5] }),
  ];
  expect(accounting([...answered(10), ...reports], once).verdict).toBe('pass');
  expect(accounting([...answered(10), ...reports.slice(1)], once).verdict).toBe('unknown');
  // Only what was under way between the two processes' reports is uncertain.
  const forgetful = [...reports.slice(0, 2), counters('a', 900, { 'client-1': [2] })];
  expect(accounting([...answered(10), ...forgetful], once).verdict).toBe('unknown');
});

test('accounting: a client that nobody started', () => {
  const stray = counters('a', 900, { 'client-1': [10], stray: [3] });
  expect(accounting([...answered(10), stray], once).message).toMatch(
    /3 attempts of stray beyond its answers/,
  );
  expect(accounting([...answered(10), stray], once).verdict).toBe('unknown');
});

test('accounting: counts of the other arm are not this one’s', () => {
  const other = counters('b', 900, { 'client-1': [500] }, true, 'control');
  const history = [...answered(10), counters('a', 900, { 'client-1': [10] }), other];
  expect(accounting(history, once)).toMatchObject({ verdict: 'pass' });
  expect(accounting(history, once).message).toMatch(/^1 server got 10 attempts/);
});

test('accounting: cannot tell without counts, calls or an end', () => {
  expect(accounting(answered(10), once)).toMatchObject({
    verdict: 'unknown',
    message: 'no counts came from a',
  });
  const counted = counters('a', 900, { 'client-1': [10] });
  const endless = edit(answered(10), (event) => (event.type === 'workload-end' ? undefined : event));
  expect(accounting([...endless, counted], once).message).toMatch(/client-1 did not tell how its work ended/);
  const strange = { ...call(10, 100, { pod: 'ghost' }) };
  expect(accounting([...answered(10), strange, counted], once).message).toBe('no counts came from ghost');
  expect(accounting([podSeen('a', 0), counted], once)).toMatchObject({
    verdict: 'unknown',
    message: 'no call was made',
  });
});

test('property: accounting never complains of a history that was faithfully told', () => {
  const attempt = record({
    pod: constantFrom('a', 'b', 'c'),
    fate: constantFrom('answered', 'answered', 'lost after a handler', 'lost before a handler'),
  });
  const calls = array(array(attempt, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 60 });
  holds(
    property(calls, integer({ min: 0, max: 700 }), (plans, deathMs) => {
      expect(accounting(faithful(plans, deathMs), withRetry)).toMatchObject({ verdict: 'pass' });
    }),
  );
});

test('property: accounting notices an answer that a server does not know of, and an attempt too many', () => {
  holds(
    property(integer({ min: 1, max: 100 }), integer({ min: 1, max: 100 }), (calls, off) => {
      const report = (counted: number) => [
        ...answered(calls),
        counters('a', 900, { 'client-1': [Math.max(0, counted)] }),
      ];
      expect(accounting(report(calls), once).verdict).toBe('pass');
      expect(accounting(report(calls + off), once).verdict).toBe('unknown');
      expect(accounting(report(calls - off), once).verdict).toBe('unknown');
    }),
  );
});

test('a finding that rests on an incomplete history is unknown', () => {
  const incomplete = finding('unknown', ARM, 'gap', 'history-complete');
  const findings = [
    finding('pass', ARM),
    finding('fail', ARM, 'lost'),
    finding('fail', 'control'),
    finding('unknown', ARM),
  ];
  const judged = restingOn([incomplete], findings);
  expect(judged.map(({ verdict }) => verdict)).toEqual(['unknown', 'unknown', 'fail', 'unknown']);
  expect(judged[1]?.message).toBe('not judged, see history-complete (it looked like fail: lost)');
  expect(restingOn([finding('pass', ARM)], findings)).toEqual(findings);
  expect(restingOn([{ check: 'x', verdict: 'unknown', message: '' }], findings)[2]?.verdict).toBe('unknown');
});

test('a verdict is the worst of the claim’s findings, with the reasons', () => {
  const arms = { treatment: ARM, control: 'control' };
  const good = [finding('pass', ARM, 'served'), finding('pass', 'control', 'idle')];
  expect(verdictOf(good, arms)).toEqual({ verdict: 'pass', reasons: ['treatment: served', 'control: idle'] });
  const bad = [...good, finding('unknown', ARM, 'gap'), finding('fail', ARM, 'lost')];
  expect(verdictOf(bad, arms)).toEqual({ verdict: 'fail', reasons: ['treatment: lost'] });
  expect(verdictOf(bad.slice(0, 3), arms)).toEqual({ verdict: 'unknown', reasons: ['treatment: gap'] });
  const ofRun: Finding = { check: 'x', verdict: 'unknown', message: 'the cluster was lost' };
  expect(verdictOf([...good, ofRun], arms)).toEqual({
    verdict: 'unknown',
    reasons: ['the cluster was lost'],
  });
});

test.each(['fail', 'unknown'] as const)('a pass beside a control that says %s is unknown', (verdict) => {
  const arms = { treatment: ARM, control: 'control' };
  expect(verdictOf([finding('pass', ARM), finding(verdict, 'control', 'got calls')], arms)).toEqual({
    verdict: 'unknown',
    reasons: ['the control did not behave as expected: control: got calls'],
  });
  expect(verdictOf([finding('fail', ARM, 'lost'), finding(verdict, 'control')], arms).verdict).toBe('fail');
});

test('a claim of several arms needs a finding of each', () => {
  const found = (arm: string): Finding => ({ check: 'x', arm, verdict: 'pass', message: 'well' });
  const names = { treatment: ['a', 'b'], control: 'none' };
  expect(verdictOf([found('a'), found('b'), found('none')], names).verdict).toBe('pass');
  expect(verdictOf([found('a'), found('none')], names)).toEqual({
    verdict: 'unknown',
    reasons: ['nothing was found out about the b'],
  });
  const failed: Finding = { ...found('b'), verdict: 'fail', message: 'ill' };
  expect(verdictOf([found('a'), failed, found('none')], names)).toEqual({
    verdict: 'fail',
    reasons: ['b: ill'],
  });
});

test('nothing found out is unknown', () => {
  expect(verdictOf([], { treatment: ARM }).verdict).toBe('unknown');
  expect(verdictOf([finding('pass', 'control')], { treatment: ARM, control: 'control' }).verdict).toBe(
    'unknown',
  );
  expect(verdictOf([finding('pass', ARM)], { treatment: ARM, control: 'control' }).verdict).toBe('unknown');
  const ofRun: Finding = { check: 'x', verdict: 'pass', message: '' };
  expect(verdictOf([ofRun, finding('pass', 'control')], { treatment: ARM, control: 'control' }).verdict).toBe(
    'unknown',
  );
  expect(verdictOf([finding('pass', ARM)], { treatment: ARM }).verdict).toBe('pass');
});

const finding = (verdict: Finding['verdict'], arm: string, message = '', check = 'check'): Finding => ({
  check,
  arm,
  verdict,
  message,
});

const isCall = (event: HistoryEvent, source: string, seq: number) =>
  event.type === 'call' && event.source === source && event.seq === seq;
const isEnd = (event: HistoryEvent) => event.type === 'workload-end';
const isClock = (event: HistoryEvent) => event.type === 'clock' && event.source === 'client-1';

/** Client-1's calls at 0, 10, 20 … ms, all answered by pod a, which has not told its counts. */
const answered = (calls: number): HistoryEvent[] => [
  podSeen('a', 0),
  ...Array.from({ length: calls }, (_, seq) => call(seq, seq * 10, { pod: 'a', previousAttempts: 0 })),
  workloadEnd('client-1', 900, calls),
];

type Attempt = { pod: string; fate: 'answered' | 'lost after a handler' | 'lost before a handler' };

/**
 * What would be told of calls, 10 ms apart, whose attempts had these fates; a call ends with its first answer.
 * Pod a tells its last counts at `deathMs`, the others theirs at the end.
 */
function faithful(plans: readonly Attempt[][], deathMs: number): HistoryEvent[] {
  const counts = new Map(['a', 'b', 'c'].map((pod) => [pod, [0, 0, 0]]));
  const calls = plans.map((plan, seq): Call => {
    const atMs = seq * 10;
    const answer = plan.findIndex(({ fate }) => fate === 'answered');
    const made = answer === -1 ? plan : plan.slice(0, answer + 1);
    for (const [before, { pod, fate }] of made.entries()) {
      const ofPod = counts.get(pod);
      const counted = fate !== 'lost before a handler' && (pod !== 'a' || atMs <= deathMs);
      if (ofPod !== undefined && counted) ofPod[before] = (ofPod[before] ?? 0) + 1;
    }
    const pod = plan[answer]?.pod;
    return pod === undefined
      ? unanswered(call(seq, atMs))
      : call(seq, atMs, { pod, previousAttempts: answer });
  });
  const reports = [...counts].map(([pod, ofPod]) =>
    counters(pod, pod === 'a' ? deathMs : 2000, { 'client-1': ofPod }, pod !== 'a'),
  );
  return [
    ...[...counts.keys()].map((pod) => podSeen(pod, 0)),
    ...calls,
    ...reports,
    workloadEnd('client-1', 2000, plans.length),
  ];
}
