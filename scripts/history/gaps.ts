// What a history lacks.
import { eventsOf, type History } from './events.ts';

/** What is missing for an arm, or for all of them, in words: `greeter-client-x: the stream broke`. */
export const gapsOf = (history: History, arm: string): string[] =>
  eventsOf(history, 'gap')
    .filter((gap) => gap.arm === undefined || gap.arm === arm)
    .map((gap) => `${gap.source}: ${gap.reason}`);
