// Connections as clients saw them: made, told to go, and which calls were on them.
import { endedMs, startedMs } from './calls.ts';
import { type Call, type Connectivity, eventsOf, type History } from './events.ts';

export type Connection = {
  client: string;
  /** When the client began to make it, and when it had it: in between the server has accepted it. */
  connectingMs: number;
  readyMs: number;
  /** When it took no more calls: the server had told it to go, or it was lost. Undefined: it did until the end. */
  leftMs: number | undefined;
};

/** The connections of an arm's clients, in the order in which they were made. */
export function connectionsOf(history: History, arm: string): Connection[] {
  const changes = eventsOf(history, 'connectivity').filter((change) => change.arm === arm);
  const bySubchannel = Map.groupBy(changes, ({ source, subchannel }) => `${source}/${subchannel}`);
  return [...bySubchannel.values()]
    .flatMap(connectionsIn)
    .sort((a, b) => a.readyMs - b.readyMs || a.connectingMs - b.connectingMs);
}

function connectionsIn(changes: readonly Connectivity[]): Connection[] {
  const connections: Connection[] = [];
  let connectingMs: number | undefined;
  for (const { source, state, atMs } of changes) {
    const current = connections.at(-1);
    if (current !== undefined && current.leftMs === undefined && state !== 'READY') current.leftMs = atMs;
    if (state === 'CONNECTING') connectingMs = atMs;
    if (state === 'READY') {
      const made = { client: source, connectingMs: connectingMs ?? atMs, readyMs: atMs, leftMs: undefined };
      connections.push(made);
    }
  }
  return connections;
}

/**
 * A call that begins just as its connection is told to go may be refused there and go to the next one, which gRPC does
 * without a word.
 */
const EITHER_MS = 500;

/**
 * The connections of its client that a call can have been on: mostly one. One that began while there was none waited for
 * the next.
 */
export function connectionsOfCall(connections: readonly Connection[], call: Call): Connection[] {
  const own = connections.filter(({ client }) => client === call.source);
  const atMs = startedMs(call);
  return own.filter((connection, index) => {
    const before = own[index - 1];
    const notBeforeMs = before === undefined ? Number.NEGATIVE_INFINITY : leftOf(before) - EITHER_MS;
    return (
      atMs >= notBeforeMs && atMs <= leftOf(connection) + EITHER_MS && connection.readyMs <= endedMs(call)
    );
  });
}

const leftOf = ({ leftMs }: Connection): number => leftMs ?? Number.POSITIVE_INFINITY;
