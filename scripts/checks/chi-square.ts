// Pearson's chi-square test of counts that should be equal but for chance.
import { gammaln } from 'simple-statistics';

/** Below this many expected of each the distribution does not hold. */
export const MIN_EXPECTED = 5;

export type Equality = {
  statistic: number;
  /** How likely chance alone would be as uneven as this, or more so. */
  chance: number;
};

/** Whether as many in all, each put at random, would be spread like this. */
export function equalButForChance(counts: readonly number[]): Equality {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return { statistic, chance: upperTail(statistic, counts.length - 1) };
}

/** Chance of a chi-square variable above a value, to full precision however small: never one minus the rest. */
export const upperTail = (value: number, degreesOfFreedom: number): number =>
  upperGamma(degreesOfFreedom / 2, value / 2);

/** Where another term changes nothing. */
const PRECISION = 1e-15;
const MOST_TERMS = 10_000;

/**
 * The regularised upper incomplete gamma function Q(a, x). Source: Abramowitz and Stegun, 6.5.29 (series) and 6.5.31
 * (continued fraction, evaluated by Lentz's method), each where it converges fast.
 */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const factor = Math.exp(a * Math.log(x) - x - gammaln(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < MOST_TERMS && term > sum * PRECISION; n += 1) {
      term *= x / (a + n);
      sum += term;
    }
    // Far from the tail: what is left is no small number.
    return 1 - factor * sum;
  }
  let b = x + 1 - a;
  let c = Number.POSITIVE_INFINITY;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < MOST_TERMS; n += 1) {
    const an = n * (a - n);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < PRECISION) break;
  }
  return factor * fraction;
}
