import {
  type Call,
  type ConnectionsRead,
  callsOf,
  clientsOf,
  connectionsRead,
  endedMs,
  type History,
  type Part,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { unlessStarved } from './starved.ts';
import { count } from './words.ts';

/** With fewer calls between two readings a figure per call says little. */
export const MIN_CALLS_BETWEEN = 50;
/** A reading is not of one moment: calls go on while it is taken. */
export const MAY_BE_OFF = 0.1;

/** Calls leak: each leaves a connection open, at the clients and at the servers. */
export function connectionsGrow(history: History, { arm }: { arm: string }): Finding {
  const say = sayFor('connections-grow', arm);
  const grown = grownBetween(history, arm);
  if ('missing' in grown) return say.unknown(grown.missing);
  const { calls, first, last, part } = grown;
  const perCall = (last.open - first.open) / calls;
  const perCallAtServers = (last.openAtServers - first.openAtServers) / calls;
  const message =
    `${count(calls, 'call')} opened ${count(last.open - first.open, 'connection')} that stay, ` +
    `${perCall.toFixed(2)} per call (at servers ${perCallAtServers.toFixed(2)}), 1 was expected; ` +
    `in the end ${last.open} are open, by channelz ${last.channelz.connections} of ${count(last.channelz.channels, 'channel')}`;
  const isOne = (value: number) => Math.abs(value - 1) <= MAY_BE_OFF;
  return isOne(perCall) && isOne(perCallAtServers)
    ? say.pass(message)
    : unlessStarved(history, part, say.fail(message));
}

/** The first and the last reading of an arm, and the calls that ended in between. */
export function grownBetween(
  history: History,
  arm: string,
): { calls: number; first: ConnectionsRead; last: ConnectionsRead; part: Part } | { missing: string } {
  const read = connectionsRead(history, arm);
  const [first, last] = [read.at(0), read.at(-1)];
  if (first === undefined || last === undefined || first === last) {
    return { missing: `the sockets of ${clientsOf(history, arm).join(', ') || arm} were not read twice` };
  }
  const calls = endedBetween(callsOf(history, arm), first.atMs, last.atMs);
  return calls < MIN_CALLS_BETWEEN
    ? { missing: `${count(calls, 'call')} between two readings are too few, ${MIN_CALLS_BETWEEN} are needed` }
    : { calls, first, last, part: { fromMs: first.atMs, untilMs: last.atMs } };
}

/** Those that ran out of time have taken a connection, too. */
export const endedBetween = (calls: readonly Call[], fromMs: number, untilMs: number): number =>
  calls.filter((call) => endedMs(call) >= fromMs && endedMs(call) < untilMs).length;
