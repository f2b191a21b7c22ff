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

export type Measured = {
  provider: string;
  /** Year, month and day. */
  date: string;
  scaleOuts: readonly MeasuredScaleOut[];
};

export const MEASURED_FILE = new URL('measured-scale-outs.json', import.meta.url);

export const readMeasured = (): Measured => JSON.parse(readFileSync(MEASURED_FILE, 'utf8'));

/** For people: beside every prediction of the model. */
export function howItHeld({ provider, scaleOuts }: Measured = readMeasured()): string {
  const inside = scaleOuts.filter((one) => one.inside).length;
  return `Of ${scaleOuts.length} scale-outs that were measured on ${provider} with other parameters, ${inside} fell inside.`;
}
