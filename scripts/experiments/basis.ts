// What every verdict rests on: the history is whole, the counts add up, the load was as asked.
import { accounting, type Finding, historyComplete, rateHeld } from '../checks/index.ts';
import type { History } from '../history/index.ts';

type Load = {
  arm: string;
  clients: number;
  ratePerSecond: number;
  /** Most attempts that a call may make. */
  maxAttempts: number;
  hedging?: boolean;
};

/** Findings of an arm without which its other findings say nothing. */
export const loadBasis = (
  history: History,
  { arm, clients, ratePerSecond, maxAttempts, hedging = false }: Load,
): Finding[] => [
  historyComplete(history, { arm, clients }),
  accounting(history, { arm, maxAttempts, hedging }),
  rateHeld(history, { arm, ratePerSecond }),
];
