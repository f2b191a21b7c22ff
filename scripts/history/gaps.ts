// What a history lacks.
import { eventsOf, type History } from './events.ts';
import { serverArmOf } from './server-arm.ts';

/** What is missing for an arm and its servers, or for all of them, in words: `greeter-client-x: the stream broke`. */
export const gapsOf = (history: History, arm: string): string[] => {
  const arms = [undefined, arm, serverArmOf(history, arm)];
  return eventsOf(history, 'gap')
    .filter((gap) => arms.includes(gap.arm))
    .map((gap) => `${gap.source}: ${gap.reason}`);
};
