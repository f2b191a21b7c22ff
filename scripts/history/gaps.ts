// What a history lacks.
import { eventsOf, type History } from './events.ts';
import { serverArmOf } from './server-arm.ts';

/**
 * What is missing for an arm, for the arm whose servers it calls, or for all of them, in words:
 * `greeter-client-x: the stream broke`.
 */
export const gapsOf = (history: History, arm: string): string[] =>
  eventsOf(history, 'gap')
    .filter((gap) => gap.arm === undefined || gap.arm === arm || gap.arm === serverArmOf(history, arm))
    .map((gap) => `${gap.source}: ${gap.reason}`);
