import { callsOf, connectionsRead, type History } from '../history/index.ts';
import { endedBetween, grownBetween, MAY_BE_OFF } from './connections-grow.ts';
import { type Finding, sayFor } from './finding.ts';
import { unlessStarved } from './starved.ts';
import { count } from './words.ts';

/** How long Linux keeps a connection in TIME_WAIT. Source: include/net/tcp.h, TCP_TIMEWAIT_LEN. */
export const TIME_WAIT_MS = 60_000;

/** Connections that may be open at any moment: those of calls that are just under way. */
const MOST_OPEN = 3;

/** Each call has a connection of its own that is closed with it: none stays open, but all are in TIME_WAIT for a minute. */
export function connectionsChurn(history: History, { arm }: { arm: string }): Finding {
  const say = sayFor('connections-churn', arm);
  const grown = grownBetween(history, arm);
  if ('missing' in grown) return say.unknown(grown.missing);
  const { last, part } = grown;
  const calls = endedBetween(callsOf(history, arm), last.atMs - TIME_WAIT_MS, last.atMs);
  const perCall = last.timeWaitOnEitherSide / calls;
  const mostOpen = Math.max(...connectionsRead(history, arm).map(({ open }) => open));
  const message =
    `${count(calls, 'call')} of the last minute left ${count(last.timeWaitOnEitherSide, 'connection')} in TIME_WAIT, ` +
    `${perCall.toFixed(2)} per call, 1 was expected (${last.timeWait} on the client's side); ` +
    `at most ${mostOpen} were open, up to ${MOST_OPEN} were expected`;
  const isChurn = Math.abs(perCall - 1) <= MAY_BE_OFF && mostOpen <= MOST_OPEN;
  return isChurn ? say.pass(message) : unlessStarved(history, part, say.fail(message));
}
