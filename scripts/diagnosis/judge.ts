// STUB: replaced by the rules.
import type { Facts } from './facts.ts';
import type { Evidence, Suspicion } from './rule.ts';

export type Diagnosis = {
  verdict: 'healthy' | 'cause' | 'unknown';
  /** The most certain first. */
  causes: Suspicion[];
  unexplained: Evidence[];
};

export const judge = (_facts: Facts): Diagnosis => ({ verdict: 'healthy', causes: [], unexplained: [] });
