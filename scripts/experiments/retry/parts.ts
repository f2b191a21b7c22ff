// The parts of a run in which calls count.
import { between, changeAskedMs, type History, type Part } from '../../history/index.ts';
import { type Parameters, TAIL_MS } from './parameters.ts';
import type { Phase } from './phases.ts';

export const healthyPart = (history: History, arm: string): Part => ({
  fromMs: between(history, 'baseline', 'end').fromMs,
  untilMs: changeAskedMs(history, arm) ?? Number.NEGATIVE_INFINITY,
});

/** A phase without its beginning, when things come about, and without its very end. */
export function countedOf(history: History, { name }: Phase, { settleMs }: Parameters): Part {
  const { fromMs, untilMs } = between(history, name, `${name} over`);
  return { fromMs: fromMs + settleMs, untilMs: untilMs - TAIL_MS };
}

export function recoveredPart(history: History, { settleMs }: Parameters): Part {
  const { fromMs, untilMs } = between(history, 'recovered', 'end');
  return { fromMs: fromMs + settleMs, untilMs };
}
