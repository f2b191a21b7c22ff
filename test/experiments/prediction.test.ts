import { boolean, constantFrom, integer, option, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { scaleOutBoundMs } from '../../scripts/experiments/dns-period.ts';
import {
  describePrediction,
  predictScale,
  type ScaleParameters,
} from '../../scripts/experiments/scale/prediction.ts';
import { holds } from '../support/property.ts';

const defaults: ScaleParameters = {
  from: 5,
  to: 10,
  maxConnectionAgeMs: 10_000,
  dnsFloorMs: 30_000,
  policy: 'round_robin',
  service: 'headless',
  clients: 2,
  startSpreadMs: 0,
  settledMs: 20_000,
  drainMs: 5000,
};

const treatment = (changed: Partial<ScaleParameters> = {}) => {
  const { convergence } = predictScale({ ...defaults, ...changed }).treatment;
  if (convergence.kind !== 'interval') expect.fail(convergence.why);
  return convergence;
};

const why = (changed: Partial<ScaleParameters>) => {
  const { convergence } = predictScale({ ...defaults, ...changed }).treatment;
  return convergence.kind === 'never' ? convergence.why : expect.fail('predicted an interval');
};

test('the bound is the larger of age with jitter and floor, and slack', () => {
  expect(scaleOutBoundMs({ maxConnectionAgeMs: 10_000, dnsFloorMs: 30_000 })).toBe(32_000);
  expect(scaleOutBoundMs({ maxConnectionAgeMs: 60_000, dnsFloorMs: 30_000 })).toBe(68_000);
  expect(scaleOutBoundMs({ maxConnectionAgeMs: undefined, dnsFloorMs: 30_000 })).toBe(32_000);
});

test('few clients: anything from nothing to the bound', () => {
  expect(treatment({ clients: 1 })).toMatchObject({ fromMs: 0, toMs: 32_000, coverage: 1, boundMs: 32_000 });
  expect(treatment({ clients: 1 }).explains).toMatch(/all about equally likely/);
  expect(treatment({ clients: 4, startSpreadMs: 30_000 })).toMatchObject({ fromMs: 0, toMs: 32_000 });
});

test('many clients at random offsets: the slowest is near the end of the period', () => {
  const many = treatment({ clients: 5, startSpreadMs: 30_000 });
  // Of the largest of five in an even spread, and what comes on top.
  expect(many.fromMs).toBeGreaterThan(30_000 * 0.05 ** 0.2);
  expect(many.fromMs).toBeLessThan(30_000 * 0.05 ** 0.2 + 4000);
  expect(many.toMs).toBeGreaterThan(30_000 * 0.95 ** 0.2);
  expect(many.toMs).toBeLessThan(32_000);
  expect(many.coverage).toBe(0.9);
  expect(many.explains).toMatch(/every 30.0s/);
  expect(many.explains).toMatch(
    /Of \d+ scale-outs that were measured on \w+ with other parameters, \d+ fell inside\.$/,
  );
});

test('many clients that start together are like one', () => {
  expect(treatment({ clients: 20, startSpreadMs: 1000 })).toMatchObject({ fromMs: 0, toMs: 32_000 });
});

test('with a floor below the age the period is the time between losses', () => {
  const explains = treatment({ dnsFloorMs: 1000 }).explains;
  expect(explains).toMatch(/when a connection is lost \(max age 10.0s ±10%\): every 2.0s to 11.0s/);
  expect(treatment({ dnsFloorMs: 1000 }).toMs).toBe(13_000);
});

test('parameters that break the claim are predicted never, and say why', () => {
  expect(why({ maxConnectionAgeMs: undefined })).toMatch(/no connection is lost/);
  expect(why({ service: 'clusterip' })).toMatch(
    /each connection to it stays on one pod; with a max age .* by luck/,
  );
  expect(why({ service: 'clusterip', maxConnectionAgeMs: undefined })).toMatch(/stays on one pod$/);
  expect(why({ policy: 'pick_first' })).toMatch(/pick_first keeps one connection/);
  expect(why({ to: 2, service: 'clusterip' })).toMatch(/stays on one pod/);
});

test('the control of a scale-out never finds the new pods, and loses nothing', () => {
  const { direction, control, treatment } = predictScale(defaults);
  expect(direction).toBe('out');
  expect(control).toMatchObject({ convergence: { kind: 'never', boundMs: 32_000 }, failedCalls: 'none' });
  expect(treatment.failedCalls).toBe('none');
});

test('a scale-in is even again after the drain; its control loses calls', () => {
  const { direction, control, treatment } = predictScale({ ...defaults, from: 10, to: 5 });
  expect(direction).toBe('in');
  expect(treatment).toMatchObject({
    convergence: { fromMs: 0, toMs: 7000, boundMs: 7000 },
    failedCalls: 'none',
  });
  expect(control).toMatchObject({ convergence: { toMs: 2000 }, failedCalls: 'some' });
});

test('the prediction reads well', () => {
  expect(describePrediction(predictScale(defaults))).toMatchInlineSnapshot(`
    "From a new pod's Ready to the slowest client's first call on it:
    treatment: 0ms to 32.0s. A client resolves every 30.0s: connections are lost
      more often (max age 10.0s ±10%), but the DNS floor holds it back. A pod may
      become Ready at any moment of that time, so any wait up to 30.0s is possible,
      depending on where the slowest client is in it. Up to 2.0s more for
      EndpointSlice, DNS and connecting. No call fails.
    control: never: without a max connection age no connection is lost, and
      nothing else makes a client resolve again. No call fails."
  `);
  expect(describePrediction(predictScale({ ...defaults, from: 10, to: 5 }))).toMatchInlineSnapshot(`
    "From the last pod leaving to even shares:
    treatment: 0ms to 7.0s. A server that leaves goes on answering for 5.0s, then
      closes its connections; round_robin deals its share to those that are left,
      before any new resolution. No call fails.
    control: 0ms to 2.0s. A server that leaves is gone at once; round_robin deals
      its share to those that are left, before any new resolution. At least one call
      is lost."
  `);
});

test('property: intervals are in order, within the bound, and described in 80 columns', () => {
  const parameters = record<ScaleParameters>({
    from: integer({ min: 1, max: 50 }),
    to: integer({ min: 1, max: 50 }),
    maxConnectionAgeMs: option(integer({ min: 1000, max: 600_000 }), { nil: undefined }),
    dnsFloorMs: integer({ min: 0, max: 120_000 }),
    policy: constantFrom('round_robin', 'pick_first'),
    service: constantFrom('headless', 'clusterip'),
    clients: integer({ min: 1, max: 100 }),
    startSpreadMs: boolean().map((spread) => (spread ? 1_000_000 : 0)),
    settledMs: integer({ min: 0, max: 60_000 }),
    drainMs: integer({ min: 0, max: 60_000 }),
  });
  holds(
    property(parameters, (anyParameters) => {
      const prediction = predictScale(anyParameters);
      for (const { convergence } of [prediction.treatment, prediction.control]) {
        if (convergence.kind === 'never') continue;
        expect(convergence.fromMs).toBeGreaterThanOrEqual(0);
        expect(convergence.toMs).toBeGreaterThan(convergence.fromMs);
        expect(convergence.toMs).toBeLessThanOrEqual(convergence.boundMs);
      }
      const widest = Math.max(
        ...describePrediction(prediction)
          .split('\n')
          .map((line) => line.length),
      );
      expect(widest).toBeLessThanOrEqual(80);
    }),
  );
});
