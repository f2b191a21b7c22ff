import { CLIENT_APP, eventsOf, type History, podsOf, SERVER_APP } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

type Dialled = {
  port: number;
  /**
   * What was dialled: the pods' own addresses, or the virtual one of a Service. Where all pods share one network, what a
   * proxy opens in a client's name is listed with the client's own.
   */
  to: 'pods' | 'virtual-ip';
};

/** Each client had so many open connections when the kernel was asked. */
export function connectionsOpen(
  history: History,
  { arm, expected, ...dialled }: { arm: string; expected: number } & Dialled,
): Finding {
  const say = sayFor('connections-open', arm);
  const clients = podsOf(history, arm, CLIENT_APP).map(({ pod }) => pod);
  const seen = clients.flatMap((client) => {
    const open = connectionsOf(history, arm, client, dialled);
    return open === undefined ? [] : [{ client, open }];
  });
  if (seen.length === 0 || seen.length < clients.length)
    return say.unknown(`the sockets of ${seen.length} of ${count(clients.length, 'client')} were read`);
  const to = dialled.to === 'pods' ? 'pods' : 'the virtual IP';
  const other = seen.filter(({ open }) => open !== expected);
  if (other.length > 0) {
    const list = listOf(other.map(({ client, open }) => `${client} had ${open}`));
    return say.fail(`expected ${count(expected, 'connection')} of each client to ${to}: ${list}`);
  }
  return say.pass(`${count(expected, 'connection')} of each client to ${to}, as expected`);
}

/** A client's open connections, as its kernel had them last; undefined when it was not asked. */
export function connectionsOf(
  history: History,
  arm: string,
  client: string,
  { port, to }: Dialled,
): number | undefined {
  const seen = eventsOf(history, 'sockets').findLast(({ source }) => source === client);
  const pods = new Set(podsOf(history, arm, SERVER_APP).map(({ ip }) => ip));
  return seen?.connections.filter(
    ({ remotePort, remoteAddress, state }) =>
      remotePort === port && state === 'ESTABLISHED' && pods.has(remoteAddress) === (to === 'pods'),
  ).length;
}
