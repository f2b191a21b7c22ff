// How well the model of convergence foretold scale-outs that were measured: `npm run bench -- prediction` writes them.
import { readFileSync } from 'node:fs';
import type { Convergence } from './convergence.ts';

/** Times in milliseconds; `slowestMs` is null when a client never called a new pod. */
export type MeasuredScaleOut = Convergence & {
  fromMs: number;
  toMs: number;
  slowestMs: number | null;
  inside: boolean;
};

export const MEASURED_FILE = new URL('measured-scale-outs.json', import.meta.url);

export const readMeasured = (): MeasuredScaleOut[] => JSON.parse(readFileSync(MEASURED_FILE, 'utf8'));

/** For people: beside every prediction of the model. */
export function howItHeld(measured: readonly MeasuredScaleOut[] = readMeasured()): string {
  const inside = measured.filter((one) => one.inside).length;
  return `Of ${measured.length} scale-outs that were measured with other parameters, ${inside} fell inside.`;
}
