// The parts of a run, as its marks divide it.
import { eventsOf, type History } from './events.ts';

/** A part of a run, for what asks for calls that were started in it. */
export type Part = { fromMs: number; untilMs: number };

/** From one mark to another; what has no beginning is from the first, what has no end until the last event. */
export function between(history: History, from: string, until: string): Part {
  const marks = eventsOf(history, 'mark');
  const at = (name: string) => marks.find((mark) => mark.name === name)?.atMs;
  return { fromMs: at(from) ?? Number.NEGATIVE_INFINITY, untilMs: at(until) ?? history.at(-1)?.atMs ?? 0 };
}
