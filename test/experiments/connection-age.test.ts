import { describe, expect, it } from 'vitest';
import connectionAge from '../../scripts/experiments/connection-age/index.ts';
import { costOf, type Measured } from '../../scripts/experiments/connection-age/measure.ts';
import {
  cpuShare,
  fleetRow,
  MOST_SHARE,
  recommend,
  reconnectsPerSecond,
} from '../../scripts/experiments/connection-age/model.ts';
import { CONTROL } from '../../scripts/experiments/connection-age/settings.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';

describe('a plan', () => {
  it('has an arm for each age and floor, and the control', () => {
    const { arms, prediction } = planOf(connectionAge, '--ages 1s,5s --floors 10s');
    expect(arms.map(({ name, serverEnv }) => [name, serverEnv.GRPC_MAX_CONNECTION_AGE_MS])).toEqual([
      ['age-1s', '1000'],
      ['age-5s', '5000'],
      ['floor-10s', '5000'],
      [CONTROL, undefined],
    ]);
    expect(prediction).toContain('age-5s: up to 7.5s (a client resolves every 5.5s at least); about 1.2');
    expect(prediction).toContain('floor-10s: up to 12.0s');
    expect(prediction).toContain('no-age: never; no connection is made anew.');
    expect(widthOf(prediction)).toBeLessThanOrEqual(80);
  });

  it.each([
    ['--ages 5s', '--ages wants two ages or more, each once'],
    ['--ages 5s,5s', '--ages wants two ages or more, each once'],
    ['--ages 100ms,5s', '--ages 100ms: nothing but reconnecting would be seen'],
    ['--floor 10s --floors 5s', '--floors holds one that is not above --floor 10.0s'],
    ['--steady 2s', '--steady 2.0s is too short to see what an age of 1.0s costs'],
  ])('is refused: %s', (line, message) => {
    expect(refusalOf(connectionAge, line)).toContain(message);
  });
});

describe('the model', () => {
  const cost = { perCallMs: 1, perConnectionMs: 5 };
  const yours = { replicas: 10, clients: 20, ratePerSecond: 100, dnsFloorMs: 30_000, targetMs: 60_000 };

  it('counts a connection of each client to each replica, once an age', () => {
    expect(reconnectsPerSecond(10_000, yours)).toBe(20);
    expect(cpuShare(10_000, yours, cost)).toBeCloseTo((20 * 5) / (2000 * 1));
  });

  it('recommends ages that cost no more than their share and find pods in time', () => {
    const { leastAgeMs, mostAgeMs } = recommend(yours, cost);
    expect(cpuShare(leastAgeMs, yours, cost)).toBeCloseTo(MOST_SHARE);
    expect(1.1 * mostAgeMs + 2000).toBeCloseTo(yours.targetMs);
    expect(leastAgeMs).toBeLessThan(mostAgeMs);
    // Few calls on many connections: what is soon enough costs too much.
    const none = recommend({ ...yours, ratePerSecond: 1, targetMs: 10_000 }, cost);
    expect(none.leastAgeMs).toBeGreaterThan(none.mostAgeMs);
    expect(recommend({ ...yours, ratePerSecond: 1e6 }, cost).leastAgeMs).toBe(1000);
  });

  it('recommends no age where the floor alone takes longer than the target', () => {
    expect(recommend({ ...yours, targetMs: 31_000 }, cost).mostAgeMs).toBe(0);
    expect(recommend({ ...yours, targetMs: 32_000 }, cost).mostAgeMs).toBeGreaterThan(27_000);
  });

  it('says for a fleet what it asks of DNS and of the CPU, and how long the slowest takes', () => {
    const low = fleetRow(60_000, 1000, cost);
    expect(low.reconnectsPerSecond).toBeCloseTo(100_000 / 60);
    expect(low.dnsQueriesPerSecond).toBe(2000);
    expect(low.cores).toBeCloseTo((100_000 / 60) * 0.005);
    // A hundred connections: one is lost all the time, and the floor is what counts.
    expect(low.slowestMs).toBeLessThan(5000);
    const high = fleetRow(60_000, 30_000, cost);
    expect(high.dnsQueriesPerSecond).toBeCloseTo(2000 / 30);
    expect(high.slowestMs).toBeGreaterThan(29_000);
    expect(high.slowestMs).toBeLessThan(33_000);
  });
});

describe('what a connection costs', () => {
  const arm = (name: string, reconnectsMeasured: number, cpuPerSecondMs: number | undefined): Measured => ({
    name,
    reconnectsMeasured,
    cpuPerSecondMs,
    callsPerSecond: 40,
    maxConnectionAgeMs: 1000,
    dnsFloorMs: 1000,
    varies: 'age',
    boundMs: 0,
    reconnectsPerSecond: 0,
    slowestMs: undefined,
    latency: { p50Ms: 1, p99Ms: 1, p999Ms: 1 },
    renewing: { calls: 0, p99Ms: Number.NaN, p999Ms: Number.NaN },
    refused: 0,
  });

  it('is what arms with more of them used more, all arms together', () => {
    const cost = costOf([arm('age-1s', 5, 105), arm('age-5s', 1, 85), arm(CONTROL, 0, 80)]);
    expect(cost).toEqual({ perCallMs: expect.closeTo(2), perConnectionMs: expect.closeTo(5) });
    const other = costOf([arm('age-1s', 5, 105), arm('age-5s', 1, 95), arm(CONTROL, 0, 80)]);
    expect(other?.perConnectionMs).toBeLessThan(5);
    expect(other?.perCallMs).toBeGreaterThan(2);
  });

  it('is unknown where noise hides it, or nothing was read', () => {
    expect(costOf([arm('age-1s', 5, 75), arm(CONTROL, 0, 80)])).toBeUndefined();
    expect(costOf([arm('age-1s', 5, undefined), arm(CONTROL, 0, 80)])).toBeUndefined();
    expect(costOf([arm('age-1s', 0, 85), arm(CONTROL, 0, 80)])).toBeUndefined();
  });
});
