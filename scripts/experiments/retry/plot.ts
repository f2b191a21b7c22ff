// Where retries make an overload worse: what each policy lets succeed as the load grows, and what the model says.
import { callsStartedIn, figuresOf, type History } from '../../history/index.ts';
import type { Plot } from '../../report/index.ts';
import { type Before, overloaded, tippingOf } from './model.ts';
import type { Parameters } from './parameters.ts';
import { countedOf } from './parts.ts';
import { stepsOf } from './phases.ts';
import type { PolicyArm } from './policies.ts';

/** To either side of an edge, so that it is drawn as one. */
const BESIDE = 0.01;

export function plotOf(history: History, parameters: Parameters, arms: readonly PolicyArm[]): Plot {
  const { overloads, attempts, refusalCost } = parameters;
  const steps = stepsOf(overloads);
  const { from, to } = tippingOf(refusalCost, { attempts, elsewhere: false });
  const edges = [from, to].flatMap((at) => [at - BESIDE, at + BESIDE].map((each) => Number(each.toFixed(2))));
  const [lowest = 0, highest = 0] = [overloads[0], overloads.at(-1)];
  const drawn = [...new Set([...overloads, ...edges])]
    .filter((at) => at >= lowest && at <= highest)
    .sort((a, b) => a - b);
  const predicted = (name: string, most: number, before: Before) => ({
    name: `model: ${name}`,
    points: drawn.map((at): [number, number] => [
      at,
      percentage(overloaded(at, refusalCost, { attempts: most, elsewhere: false }, before).share),
    ]),
  });
  return {
    title: 'Calls that succeed by how many are made, over those that servers can do',
    x: { label: 'calls made over calls that can be served' },
    y: { label: '%' },
    series: [
      ...arms.map(({ name }) => ({
        name,
        points: steps.map((step): [number, number | null] => {
          const { fromMs, untilMs } = countedOf(history, step, parameters);
          const { calls, ok } = figuresOf(callsStartedIn(history, name, fromMs, untilMs));
          return [step.overload, calls === 0 ? null : percentage(ok / calls)];
        }),
      })),
      predicted('none', 1, 'well'),
      predicted('retry', attempts, 'well'),
      predicted('retry, once down', attempts, 'down'),
    ],
  };
}

const percentage = (share: number): number => Math.round(1000 * share) / 10;
