// Checks of what became of calls: none failed, some lost, by whom they were answered, at which rate they were made.
import { expect, test } from 'vitest';
import {
  callsLost,
  gonePodsNotCalled,
  nobodyElseCalled,
  noFailedCall,
  rateHeld,
  steadyBefore,
} from '../../scripts/checks/index.ts';
import type { Call, HistoryEvent } from '../../scripts/history/index.ts';
import {
  ARM,
  CHANGE_MS,
  call,
  END_MS,
  edit,
  historyOf,
  podSeen,
  scaleIn,
  scaleOut,
  servers,
  summaryOf,
  unanswered,
  workloadEnd,
} from '../support/history.ts';

const whole = { arm: ARM, fromMs: 0, untilMs: END_MS };

/** One call of client-2, 1.5 s after the change, dropped. */
const oneLost = scaleOut(0, {
  tamper: (made) => (made.source === 'client-2' && made.seq === 2300 ? unanswered(made) : made),
});

test('no-failed-call', () => {
  expect(noFailedCall(scaleOut(0), whole)).toEqual({
    check: 'no-failed-call',
    arm: ARM,
    verdict: 'pass',
    message: 'none of 24,000 calls failed',
  });
  expect(noFailedCall(oneLost, whole)).toMatchObject({
    verdict: 'fail',
    message:
      '1 of 24,000 calls failed: 1 UNAVAILABLE; the first 1.5s after the change, by client-2: "Connection dropped"',
  });
  expect(noFailedCall(oneLost, { ...whole, untilMs: CHANGE_MS }).verdict).toBe('pass');
  expect(noFailedCall([], whole)).toMatchObject({ verdict: 'unknown', message: 'no call was started' });
});

test('no-failed-call cannot tell when calls ran out of time on a starved machine', () => {
  const timedOut = (made: Call): Call => ({
    ...unanswered(made),
    code: 'DEADLINE_EXCEEDED',
    latencyMs: 2000,
  });
  const late = (made: Call): Call => ({ ...made, lateMs: 300 });
  const slow = scaleOut(0, { tamper: (made) => (made.seq === 2300 ? timedOut(made) : made) });
  expect(noFailedCall(slow, whole).verdict).toBe('fail');
  const starved = scaleOut(0, {
    tamper: (made) => (made.seq === 2300 ? timedOut(made) : made.seq === 2310 ? late(made) : made),
  });
  expect(noFailedCall(starved, whole)).toMatchObject({ verdict: 'unknown' });
  expect(noFailedCall(starved, whole).message).toMatch(
    /too busy to tell, clients started calls up to 300ms late/,
  );
  const lateElsewhere = scaleOut(0, {
    tamper: (made) => (made.seq === 2300 ? timedOut(made) : made.seq === 9000 ? late(made) : made),
  });
  expect(noFailedCall(lateElsewhere, whole).verdict).toBe('fail');
  const cut = scaleOut(0, {
    tamper: (made) => (made.seq === 2300 ? unanswered(made) : made.seq === 2310 ? late(made) : made),
  });
  expect(noFailedCall(cut, whole).verdict).toBe('fail');
});

test('calls-lost', () => {
  expect(callsLost(oneLost, whole)).toMatchObject({ verdict: 'pass' });
  expect(callsLost(oneLost, whole).message).toMatch(/^1 of 24,000 calls lost, as expected: 1 UNAVAILABLE/);
  expect(callsLost(scaleOut(0), whole)).toMatchObject({
    verdict: 'fail',
    message: 'none of 24,000 calls was lost, though nothing protected them',
  });
  expect(callsLost([], whole).verdict).toBe('unknown');
});

test('nobody-else-called', () => {
  expect(nobodyElseCalled(scaleOut(0), { arm: ARM })).toMatchObject({
    verdict: 'pass',
    message: "all 24,000 answers came from this arm's 10 server pods",
  });

  const stranger = scaleOut(0, { tamper: (made) => (made.seq === 7 ? { ...made, pod: 'control-1' } : made) });
  expect(nobodyElseCalled(stranger, { arm: ARM })).toMatchObject({
    verdict: 'fail',
    message: 'answers came from what was no server pod of this arm at the time: control-1 (2 calls)',
  });
  const early = scaleOut(0, { tamper: (made) => (made.seq === 7 ? { ...made, pod: 'server-6' } : made) });
  expect(nobodyElseCalled(early, { arm: ARM }).verdict).toBe('fail');
  const ghost = scaleIn(0, {
    tamper: (made) => (made.atMs === 25_000 ? { ...made, pod: 'server-6' } : made),
  });
  expect(nobodyElseCalled(ghost, { arm: ARM }).verdict).toBe('fail');

  const podless = edit(scaleOut(0), (event) => (event.type === 'pod' ? undefined : event));
  expect(nobodyElseCalled(podless, { arm: ARM }).verdict).toBe('unknown');
  const callless = edit(scaleOut(0), (event) => (event.type === 'call' ? undefined : event));
  expect(nobodyElseCalled(callless, { arm: ARM }).verdict).toBe('unknown');
});

test('gone-pods-not-called', () => {
  const params = { arm: ARM, gonePods: 5 };
  expect(gonePodsNotCalled(scaleIn(0), params)).toMatchObject({
    verdict: 'pass',
    message: 'no call was started on any of 5 pods that were gone',
  });

  const answered = scaleIn(0, {
    tamper: (made) => (made.atMs >= 25_000 && made.seq < 5002 ? { ...made, pod: 'server-6' } : made),
  });
  expect(gonePodsNotCalled(answered, params)).toMatchObject({
    verdict: 'fail',
    message:
      '4 calls started on pods that were gone (server-6 4), the first 15.0s after the change, by client-1',
  });
  expect(gonePodsNotCalled([...scaleIn(0), atAddress('10.0.0.6:50051')], params).verdict).toBe('fail');

  const onlyFour = edit(scaleIn(0), (event) =>
    event.type === 'pod' && event.pod === 'server-6' && event.deleted ? undefined : event,
  );
  expect(gonePodsNotCalled(onlyFour, params)).toMatchObject({
    verdict: 'unknown',
    message: '4 of 5 pods were gone by the end',
  });
  expect(gonePodsNotCalled(scaleOut(0), { arm: ARM, gonePods: 0 }).verdict).toBe('unknown');
});

test('gone-pods-not-called does not blame an address that a later pod has got', () => {
  const reused = [
    ...scaleIn(0),
    podSeen('server-11', 21_000, { ip: '10.0.0.6' }),
    atAddress('10.0.0.6:50051'),
    call(99_999, 25_000, { pod: 'server-11', peer: '10.0.0.6:50051' }),
  ];
  expect(gonePodsNotCalled(reused, { arm: ARM, gonePods: 5 }).verdict).toBe('pass');
});

test('gone-pods-not-called reads IPv6 peers', () => {
  const v6 = edit(scaleIn(0), (event) =>
    event.type === 'pod' && event.pod === 'server-6' ? { ...event, ip: 'fd00::6' } : event,
  );
  expect(gonePodsNotCalled([...v6, atAddress('[fd00::6]:50051')], { arm: ARM, gonePods: 5 }).verdict).toBe(
    'fail',
  );
});

test('rate-held', () => {
  const params = { arm: ARM, ratePerSecond: 200 };
  expect(rateHeld(scaleOut(0), params)).toMatchObject({
    verdict: 'pass',
    message: '24,000 calls started when due, 99 of 100 within 0.5ms',
  });

  const end = (status: object) => [workloadEnd('client-1', END_MS, 1000, status)];
  expect(rateHeld(end({ due: 1011 }), { arm: ARM, ratePerSecond: 2000 })).toMatchObject({
    verdict: 'unknown',
    message:
      'the client could not keep 2,000 calls/s: client-1 started 1000 of 1,011 calls that were due, ' +
      'one in a hundred more than 1ms late',
  });
  expect(rateHeld(end({ due: 1010 }), params).verdict).toBe('pass');
  expect(rateHeld(end({ lateness: summaryOf(1200) }), params).message).toMatch(
    /one in a hundred more than 1.2s late/,
  );
  expect(rateHeld(end({ lateness: summaryOf(1001) }), params).verdict).toBe('unknown');
  expect(rateHeld(end({ lateness: summaryOf(999) }), params).verdict).toBe('pass');
  expect(rateHeld([], params).verdict).toBe('unknown');
  const silent = edit(scaleOut(0), (event) =>
    event.type === 'workload-end' && event.source === 'client-2' ? undefined : event,
  );
  expect(rateHeld(silent, params)).toMatchObject({
    verdict: 'unknown',
    message: 'client-2 did not tell how the work ended',
  });
});

test('steady-before', () => {
  const before = { arm: ARM, fromMs: 1000, untilMs: CHANGE_MS, even: true };
  expect(steadyBefore(scaleOut(0), before)).toMatchObject({
    verdict: 'pass',
    message: '3,600 calls before the change, none failed, even over 5 pods',
  });

  const failing = scaleOut(0, { tamper: (made) => (made.seq === 300 ? unanswered(made) : made) });
  expect(steadyBefore(failing, before)).toMatchObject({
    verdict: 'unknown',
    message:
      'nothing can be said of a change to a service that was not steady before it: ' +
      '2 UNAVAILABLE; the first 8.5s before the change, by client-1: "Connection dropped"',
  });
  const inFlight = scaleOut(0, {
    tamper: (made) => (made.atMs > CHANGE_MS - 50 ? { ...unanswered(made), latencyMs: 100 } : made),
  });
  expect(steadyBefore(inFlight, before).verdict).toBe('pass');
  const skewed = [...servers(4, { readyAtMs: 0 }), ...servers(1, { readyAtMs: 0, calledFromMs: 9000 }, 5)];
  expect(steadyBefore(historyOf({ pods: skewed }), before).message).toMatch(
    /server-5 had \d+ of client-1's 400 calls/,
  );
  expect(steadyBefore(historyOf({ pods: skewed }), before).verdict).toBe('unknown');
  expect(steadyBefore(historyOf({ pods: skewed }), { ...before, even: false }).verdict).toBe('pass');
  const idle = [...servers(4, { readyAtMs: 0 }), ...servers(1, { readyAtMs: 0, calledFromMs: END_MS }, 5)];
  expect(steadyBefore(historyOf({ pods: idle }), before).message).toMatch(/server-5 got no call/);
  expect(steadyBefore(scaleOut(0), { ...before, fromMs: 6000 }).message).toMatch(/too short to tell/);
  expect(steadyBefore([], { ...before, even: false })).toMatchObject({ verdict: 'unknown' });
  const late = edit(scaleOut(0), (event) =>
    event.type === 'call' && event.source === 'client-2' && event.atMs < CHANGE_MS ? undefined : event,
  );
  expect(steadyBefore(late, before).message).toMatch(/client-2 made no call/);
});

/** A call that no pod answered, at an address, 15 s after the change. */
const atAddress = (peer: string): HistoryEvent => ({ ...unanswered(call(99_998, 25_000)), peer });
