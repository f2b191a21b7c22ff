// A hand-written history of an arm with three clients, one to a node, and servers on two of the nodes: that of client-1
// is taken with the change, and there is one again 6 s after.
import type { HistoryEvent } from '../../scripts/history/index.ts';
import { ARM, CHANGE_MS, historyOf, mark, type PodScript, type Script, servers } from './history.ts';

export const CLIENTS = ['client-1', 'client-2', 'client-3'];
export const NODES: Record<string, string> = { 'client-1': 'n1', 'client-2': 'n2', 'client-3': 'n3' };
export const BASELINE_MS = 2000;
export const BACK_MS = CHANGE_MS + 6000;
export const UNTIL_MS = CHANGE_MS + 20_000;

type Choose = NonNullable<Script['choose']>;

const isLocal = (client: string, { node }: PodScript) => node === NODES[client];

/** Those on the own node, else all. */
export const preferLocal: Choose = (client, called) => {
  const local = called.filter((pod) => isLocal(client, pod));
  return local.length > 0 ? local : called;
};

/** Those on the own node or none. */
export const onlyLocal: Choose = (client, called) => called.filter((pod) => isLocal(client, pod));

export const all: Choose = (_, called) => called;

/** The one that it has for as long as it is there, then the nearest. */
export function staying(): Choose {
  const current = new Map<string, string>();
  return (client, called, atMs) => {
    const same = called.filter(({ pod }) => pod === current.get(client));
    const next = same.length > 0 ? same : preferLocal(client, called, atMs).slice(0, 1);
    if (next[0]) current.set(client, next[0].pod);
    return next;
  };
}

/** When client-1 has lost its connection to the server on its node. */
export const LOST_MS = CHANGE_MS + 5;

const connection = (arm: string, state: string, atMs: number): HistoryEvent => ({
  type: 'connectivity',
  arm,
  source: 'client-1',
  subchannel: 1,
  state,
  atMs,
});

export const local = (choose: Choose, rest: Partial<Script> = {}): HistoryEvent[] =>
  [
    ...historyOf({
      clients: CLIENTS,
      clientNodes: NODES,
      ratePerSecond: 60,
      untilMs: UNTIL_MS,
      pods: [
        ...servers(
          1,
          { readyAtMs: 0, node: 'n1', zone: 'a', goneAtMs: CHANGE_MS + 20, calledUntilMs: LOST_MS },
          1,
        ),
        ...servers(1, { readyAtMs: 0, node: 'n3', zone: 'b' }, 2),
        ...servers(1, { readyAtMs: BACK_MS, node: 'n1', zone: 'a' }, 3),
      ],
      choose,
      ...rest,
    }),
    connection(rest.arm ?? ARM, 'CONNECTING', 0),
    connection(rest.arm ?? ARM, 'READY', 5),
    connection(rest.arm ?? ARM, 'IDLE', LOST_MS),
    mark('baseline', BASELINE_MS),
    mark('change', CHANGE_MS),
    mark('window', BACK_MS + 100),
    mark('end', UNTIL_MS),
  ].sort((a, b) => a.atMs - b.atMs);
