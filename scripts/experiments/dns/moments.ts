// When each action was asked for, and when the next one was.
import { between, eventsOf, type History } from '../../history/index.ts';
import { type Action, actionsOf } from './names.ts';
import type { Parameters } from './parameters.ts';

export type Done = Action & { askedMs: number; untilMs: number };

/** Those that were done, in their order. */
export function doneOf(history: History, parameters: Parameters): Done[] {
  const asked = eventsOf(history, 'fault').filter(({ phase }) => phase.endsWith('-asked'));
  const { untilMs } = between(history, 'baseline', 'end');
  return actionsOf(parameters).flatMap((action, index) => {
    const askedMs = asked[index]?.atMs;
    if (askedMs === undefined) return [];
    return [{ ...action, askedMs, untilMs: asked[index + 1]?.atMs ?? untilMs }];
  });
}
