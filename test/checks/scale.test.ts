// Checks of what a change brought: new pods served or idle, shares even, all of it when it was predicted.
import { expect, test } from 'vitest';
import {
  evenShares,
  newPodsIdle,
  newPodsServed,
  type Prediction,
  withinPrediction,
} from '../../scripts/checks/index.ts';
import { ARM, END_MS, edit, historyOf, podSeen, scaleIn, scaleOut, servers } from '../support/history.ts';

const served = { arm: ARM, newPods: 5, boundMs: 32_000, untilMs: END_MS };

test('new-pods-served: passes with the slowest pair', () => {
  expect(newPodsServed(scaleOut(8000), served)).toMatchObject({ check: 'new-pods-served', verdict: 'pass' });
  expect(newPodsServed(scaleOut(8000), served).message).toMatch(
    /^every client called each of 5 new pods, the slowest 8.0s after Ready \(client-\d on server-\d+; bound 32.0s\)$/,
  );
});

test('new-pods-served: says when no new pod got anything, and why', () => {
  expect(newPodsServed(scaleOut(undefined), served)).toMatchObject({
    verdict: 'fail',
    message: 'the 5 new pods got no call at all in 48.0s',
  });
  expect(newPodsServed(scaleOut(undefined), { ...served, whyNever: 'no connection is lost' }).message).toBe(
    'the 5 new pods got no call at all in 48.0s: no connection is lost',
  );
});

test('new-pods-served: judges every client, and the slowest', () => {
  expect(newPodsServed(pair(END_MS), { ...served, newPods: 1 })).toMatchObject({
    verdict: 'fail',
    message: 'not every client called every new pod: server-3 got none from client-2',
  });
  expect(newPodsServed(pair(50_000), { ...served, newPods: 1 })).toMatchObject({ verdict: 'fail' });
  expect(newPodsServed(pair(50_000), { ...served, newPods: 1 }).message).toMatch(
    /^client-2 first called server-3 38.0s after it was Ready, later than the bound of 32.0s$/,
  );
});

test('new-pods-served: cannot tell when the observation ends before the bound, or pods did not come', () => {
  expect(newPodsServed(pair(END_MS), { ...served, newPods: 1, boundMs: 50_000 })).toMatchObject({
    verdict: 'unknown',
    message: 'the observation ended before the bound of 50.0s: server-3 got none from client-2',
  });
  expect(newPodsServed(scaleOut(undefined), { ...served, boundMs: 50_000 }).verdict).toBe('unknown');
  expect(newPodsServed(scaleOut(0), { ...served, newPods: 6 })).toMatchObject({
    verdict: 'unknown',
    message: '5 of 6 new pods came',
  });
  const unready = podSeen('server-11', 12_000, { ready: false });
  expect(newPodsServed([...scaleOut(0), unready], { ...served, newPods: 6 })).toMatchObject({
    verdict: 'unknown',
    message: 'server-11 never became Ready',
  });
  expect(newPodsServed(unchanged(), served)).toMatchObject({
    verdict: 'unknown',
    message: 'no change was marked',
  });
  const callless = edit(scaleOut(0), (event) =>
    event.type === 'call' || event.type === 'workload-end' ? undefined : event,
  );
  expect(newPodsServed(callless, served)).toMatchObject({
    verdict: 'unknown',
    message: 'no client made a call',
  });
});

test('new-pods-idle', () => {
  const params = { arm: ARM, newPods: 5, untilMs: END_MS };
  expect(newPodsIdle(scaleOut(undefined), params)).toMatchObject({
    verdict: 'pass',
    message: 'the 5 new pods got none of 19,200 calls in 48.0s',
  });
  const lucky = scaleOut(undefined, {
    tamper: (made) => (made.seq === 9000 ? { ...made, pod: 'server-7' } : made),
  });
  expect(newPodsIdle(lucky, params)).toMatchObject({
    verdict: 'fail',
    message: '1 of 5 new pods got calls: server-7 2',
  });
  expect(newPodsIdle(scaleOut(undefined), { ...params, newPods: 6 }).verdict).toBe('unknown');
  expect(newPodsIdle(scaleOut(undefined), { ...params, untilMs: 12_000 }).verdict).toBe('unknown');
});

test('even-shares: passes with the time', () => {
  expect(evenShares(scaleOut(8000), served)).toMatchObject({
    verdict: 'pass',
    message:
      'shares were even 16.0s after the change; bound 32.0s and three windows after the last pod came or left',
  });
  expect(evenShares(scaleIn(1000), { ...served, boundMs: 3000 }).verdict).toBe('pass');
});

test('even-shares: fails when late or never', () => {
  expect(evenShares(scaleOut(8000), { ...served, boundMs: 8000 }).verdict).toBe('pass');
  expect(evenShares(scaleOut(8000), { ...served, boundMs: 7000 })).toMatchObject({
    verdict: 'fail',
    message:
      'shares were even 16.0s after the change, later than the bound: ' +
      '7.0s and three windows after the last pod came or left',
  });
  expect(
    evenShares(scaleOut(undefined), { ...served, whyNever: 'each connection stays on one pod' }),
  ).toMatchObject({
    verdict: 'fail',
    message:
      'shares were never even: each connection stays on one pod ' +
      "(server-6 had 0 of client-1's 400 calls in the window that ended 50.0s after the change, an even share is 40)",
  });
});

test('even-shares: cannot tell from too short a time, too few calls or an unfinished change', () => {
  expect(evenShares(scaleOut(undefined), { ...served, untilMs: 40_000 })).toMatchObject({
    verdict: 'unknown',
  });
  expect(evenShares(scaleOut(undefined), { ...served, untilMs: 40_000 }).message).toMatch(
    /^the observation ended before the bound/,
  );
  expect(evenShares(scaleOut(0), { ...served, untilMs: 15_000 })).toMatchObject({
    verdict: 'unknown',
    message: 'too short to tell: 3.0s, three windows take 6.0s',
  });
  expect(evenShares(scaleOut(0, { ratePerSecond: 50 }), served)).toMatchObject({
    verdict: 'unknown',
    message: 'too few calls to tell: at most 10.0 per client, pod and window, 20 are needed',
  });
  expect(evenShares(unchanged(), served)).toMatchObject({
    verdict: 'unknown',
    message: 'the change did not bring or take all its pods',
  });
});

const interval: Prediction = {
  kind: 'interval',
  fromMs: 5000,
  toMs: 20_000,
  coverage: 1,
  boundMs: 32_000,
  explains: '',
};
const never: Prediction = { kind: 'never', why: 'no connection is lost', boundMs: 32_000 };

test('within-prediction of the first call', () => {
  const params = { arm: ARM, of: 'first-call' as const, predicted: interval, untilMs: END_MS };
  expect(withinPrediction(scaleOut(8000), params)).toMatchObject({
    verdict: 'pass',
    message: 'the slowest first call on a new pod came after 8.0s, predicted 5.0s to 20.0s',
  });
  expect(withinPrediction(scaleOut(1000), params)).toMatchObject({
    verdict: 'pass',
    message: 'the slowest first call on a new pod came after 1.0s, earlier than predicted 5.0s to 20.0s',
  });
  expect(withinPrediction(scaleOut(25_000), params)).toMatchObject({
    verdict: 'fail',
    message: 'the slowest first call on a new pod came after 25.0s, later than predicted 5.0s to 20.0s',
  });
  expect(withinPrediction(scaleOut(undefined), params)).toMatchObject({
    verdict: 'fail',
    message: 'the slowest first call on a new pod never came in 48.0s, predicted 5.0s to 20.0s',
  });
  expect(withinPrediction(pair(END_MS), params).verdict).toBe('fail');
  expect(withinPrediction(scaleOut(undefined), { ...params, untilMs: 30_000 }).verdict).toBe('unknown');
  expect(withinPrediction(unchanged(), params).verdict).toBe('unknown');
  expect(withinPrediction(scaleIn(0), params)).toMatchObject({
    verdict: 'unknown',
    message: 'no new pod came',
  });
});

test('within-prediction of most runs lets one be later, up to the bound', () => {
  const predicted = { ...interval, coverage: 0.95 };
  const params = { arm: ARM, of: 'first-call' as const, predicted, untilMs: END_MS };
  expect(withinPrediction(scaleOut(25_000), params)).toMatchObject({
    verdict: 'pass',
    message:
      'the slowest first call on a new pod came after 25.0s, later than predicted 5.0s to 20.0s in most runs, within ' +
      'the bound of 32.0s',
  });
  expect(withinPrediction(scaleOut(33_000), params).verdict).toBe('fail');
});

test('within-prediction of even shares allows the windows that it takes to see them', () => {
  const params = { arm: ARM, of: 'even' as const, predicted: interval, untilMs: END_MS };
  expect(withinPrediction(scaleOut(20_000), params)).toMatchObject({
    verdict: 'pass',
    message: 'even shares came after 26.0s, predicted 11.0s to 26.0s',
  });
  expect(withinPrediction(scaleOut(21_000), params).verdict).toBe('fail');
  expect(withinPrediction(scaleOut(undefined), params).verdict).toBe('fail');
});

test('within-prediction of never', () => {
  const params = { arm: ARM, of: 'first-call' as const, predicted: never, untilMs: END_MS };
  expect(withinPrediction(scaleOut(undefined), params)).toMatchObject({
    verdict: 'pass',
    message: 'the slowest first call on a new pod: never, as predicted (no connection is lost)',
  });
  expect(withinPrediction(scaleOut(8000), params).verdict).toBe('fail');
  expect(withinPrediction(scaleOut(8000), { ...params, of: 'even' }).verdict).toBe('fail');
});

/** One new pod, which client-2 calls from the given time on only. */
const pair = (client2Ms: number) =>
  historyOf({
    pods: [
      ...servers(2, { readyAtMs: 0 }),
      ...servers(1, { readyAtMs: 12_000, calledFromMs: { 'client-2': client2Ms } }, 3),
    ],
  });

const unchanged = () => edit(scaleOut(0), (event) => (event.type === 'fault' ? undefined : event));
