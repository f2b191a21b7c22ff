import { connectionsRead, type History } from '../history/index.ts';
import { grownBetween } from './connections-grow.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

/** However many channels there are, they share one connection. */
export function oneConnection(history: History, { arm }: { arm: string }): Finding {
  const say = sayFor('one-connection', arm);
  const grown = grownBetween(history, arm);
  if ('missing' in grown) return say.unknown(grown.missing);
  const read = connectionsRead(history, arm);
  const others = read.map(({ open }) => open).filter((open) => open !== 1);
  const { calls, last } = grown;
  const channels = count(last.channelz.channels, 'channel');
  return others.length === 0
    ? say.pass(
        `one connection at each of ${read.length} readings, shared by ${channels} in the end, after ${count(calls, 'call')}`,
      )
    : say.fail(`${others.at(-1)} connections were open, where ${channels} were to share one`);
}
