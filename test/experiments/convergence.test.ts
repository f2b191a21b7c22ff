import { describe, expect, it } from 'vitest';
import { type Convergence, predictSlowest } from '../../scripts/experiments/convergence.ts';
import { readMeasured } from '../../scripts/experiments/measured.ts';

const USUAL: Convergence = {
  from: 5,
  added: 5,
  clients: 5,
  startSpreadMs: 30_000,
  settledMs: 20_000,
  maxConnectionAgeMs: 10_000,
  dnsFloorMs: 30_000,
};
const of = (changed: Partial<Convergence> = {}) => predictSlowest({ ...USUAL, ...changed });

describe('the slowest client of a scale-out', () => {
  it('is the same for the same seed, and hardly another for another', () => {
    expect(of()).toEqual(of());
    const other = predictSlowest(USUAL, 2);
    expect(other).not.toEqual(of());
    expect(Math.abs(other.toMs - of().toMs)).toBeLessThan(500);
  });

  it('waits up to the floor where that is longer than connections live', () => {
    const { fromMs, toMs } = of();
    expect(fromMs).toBeGreaterThan(14_000);
    expect(toMs).toBeGreaterThan(29_000);
    expect(toMs).toBeLessThan(32_000);
  });

  it('is nearer to the end of the period, the more clients there are', () => {
    const waits = [1, 5, 20, 100].map((clients) => of({ clients }).fromMs);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(27_000);
  });

  it('waits for a connection to be lost where the floor is low, less the more connections there are', () => {
    const waits = [1, 2, 10, 50].map((from) => of({ from, dnsFloorMs: 500 }).toMs);
    expect(waits).toEqual(waits.toSorted((a, b) => b - a));
    expect(waits[0]).toBeGreaterThan(9500);
    expect(waits[0]).toBeLessThan(13_500);
    expect(waits.at(-1)).toBeLessThan(10_000);
  });

  it('is known within a factor of three for five clients or more', () => {
    for (const clients of [5, 8, 20]) {
      for (const [maxConnectionAgeMs, dnsFloorMs] of [
        [10_000, 30_000],
        [4000, 5000],
        [10_000, 1000],
        [40_000, 1000],
      ] as const) {
        const startSpreadMs = Math.max(maxConnectionAgeMs, dnsFloorMs);
        const { fromMs, toMs } = of({ clients, maxConnectionAgeMs, dnsFloorMs, startSpreadMs });
        expect(toMs / fromMs).toBeLessThan(3);
      }
    }
  });
});

describe('the scale-outs that were measured', () => {
  const { scaleOuts } = readMeasured();

  it('are at least thirty, over different parameters', () => {
    const parameters = new Set(
      scaleOuts.map(({ maxConnectionAgeMs, dnsFloorMs, clients, from, added }) =>
        [maxConnectionAgeMs, dnsFloorMs, clients, from, added].join(),
      ),
    );
    expect(parameters.size).toBeGreaterThanOrEqual(30);
  });

  it('fell into the intervals of the model as it is now, nine of ten, and none is wider than a factor of three', () => {
    const now = scaleOuts.map((one) => ({ ...predictSlowest(one), slowestMs: one.slowestMs ?? Infinity }));
    const inside = now.filter(({ fromMs, toMs, slowestMs }) => slowestMs >= fromMs && slowestMs <= toMs);
    expect(inside.length / now.length).toBeGreaterThanOrEqual(0.9);
    expect(Math.max(...now.map(({ fromMs, toMs }) => toMs / fromMs))).toBeLessThanOrEqual(3);
    expect(now.map(({ fromMs, toMs }) => [Math.round(fromMs), Math.round(toMs)])).toEqual(
      scaleOuts.map(({ fromMs, toMs }) => [fromMs, toMs]),
    );
    expect(scaleOuts.filter((one) => one.inside)).toHaveLength(inside.length);
  });
});
