import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPacing } from '../../services/greeter-client/pacing.ts';

describe('pacing', () => {
  it('has call k due at t0 + k/rate', () => {
    const pacing = createPacing(200, 1000);
    expect([0, 1, 2, 200].map(pacing.dueMs)).toEqual([1000, 1005, 1010, 2000]);
    expect([999, 1000, 1004.9, 1005, 2000].map(pacing.dueBy)).toEqual([0, 1, 1, 2, 201]);
  });

  it('has the calls of a burst due together, at the same rate', () => {
    const pacing = createPacing(200, 1000, 10);
    expect([0, 9, 10, 19, 20, 200].map(pacing.dueMs)).toEqual([1000, 1000, 1050, 1050, 1100, 2000]);
    expect([999, 1000, 1049, 1050, 2000].map(pacing.dueBy)).toEqual([0, 10, 10, 20, 210]);
    pacing.changeRate(400, 2010);
    expect([209, 210, 220].map(pacing.dueMs)).toEqual([2000, 2025, 2050]);
  });

  it('keeps the times of calls that are due when the rate changes', () => {
    const pacing = createPacing(100, 0);
    pacing.changeRate(1000, 45);
    // Due by 45: 0, 10, 20, 30, 40. The next one comes a new interval later, but not in the past.
    expect([4, 5, 6, 7].map(pacing.dueMs)).toEqual([40, 45, 46, 47]);
    pacing.changeRate(10, 47);
    expect([4, 7, 8, 9].map(pacing.dueMs)).toEqual([40, 47, 147, 247]);
    expect([47, 146, 147].map(pacing.dueBy)).toEqual([8, 8, 9]);
  });

  it('does not start earlier when the rate changes before the first call', () => {
    const pacing = createPacing(10, 100);
    pacing.changeRate(100, 50);
    expect([0, 1].map(pacing.dueMs)).toEqual([100, 110]);
  });

  it('never puts a call before the one it follows, and counts what it has due', () => {
    const change = fc.record({
      rate: fc.integer({ min: 1, max: 5000 }),
      afterMs: fc.integer({ min: 0, max: 500 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        const pacing = createPacing(100, 0);
        let nowMs = 0;
        for (const { rate, afterMs } of changes) {
          nowMs += afterMs;
          pacing.changeRate(rate, nowMs);
        }
        const count = pacing.dueBy(nowMs + 1000);
        const times = Array.from({ length: count + 1 }, (_, seq) => pacing.dueMs(seq));
        const rounding = 1e-6;
        expect(times.every((ms, seq) => seq === 0 || ms > (times[seq - 1] ?? 0))).toBe(true);
        expect(times[count - 1]).toBeLessThanOrEqual(nowMs + 1000 + rounding);
        expect(times[count]).toBeGreaterThan(nowMs + 1000 - rounding);
      }),
    );
  });
});
