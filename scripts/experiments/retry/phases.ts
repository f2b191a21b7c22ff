// The phases in which something is wrong, in their order.
import type { Parameters } from './parameters.ts';

export type Phase =
  /** All servers fail a share of attempts; all but one fail all. */
  | { name: string; trouble: 'failing' | 'sick' }
  /** So many times the calls that servers can do, or a part of them. */
  | { name: string; trouble: 'overload'; overload: number };

export const phasesOf = ({ overloads }: Pick<Parameters, 'overloads'>): Phase[] => [
  { name: 'failing', trouble: 'failing' },
  { name: 'sick', trouble: 'sick' },
  ...stepsOf(overloads),
];

export const stepsOf = (overloads: readonly number[]): (Phase & { trouble: 'overload' })[] =>
  overloads.map((overload) => ({ name: `overload ${overload}`, trouble: 'overload', overload }));

export const lengthMs = ({ trouble }: Phase, { phaseMs, stepMs }: Parameters): number =>
  trouble === 'overload' ? stepMs : phaseMs;
