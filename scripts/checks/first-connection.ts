import { formatDuration } from '../common/duration.ts';
import { CLIENT_APP, eventsOf, type History, type SocketsSeen } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

type Params = {
  arm: string;
  /** Of the server. */
  port: number;
  /** What should have become of it: the kernel has it still, or has it no more. */
  expected: 'open' | 'closed';
  /** Least time between the two readings that says something. */
  leastMs: number;
};

/** What became, between the first and the last reading of the kernel's tables, of the connection that a client had. */
export function firstConnection(history: History, { arm, port, expected, leastMs }: Params): Finding {
  const say = sayFor('first-connection', arm);
  const readings = eventsOf(history, 'sockets').filter((seen) => seen.arm === arm && seen.app === CLIENT_APP);
  const clients = [...Map.groupBy(readings, ({ source }) => source).values()];
  const spans = clients.flatMap((ofClient) => {
    const [first, last] = [ofClient[0], ofClient.at(-1)];
    return first && last && last.atMs - first.atMs >= leastMs ? [{ first, last }] : [];
  });
  if (spans.length === 0) return say.unknown(`no sockets were read ${formatDuration(leastMs)} apart`);

  const had = spans.flatMap(({ first, last }) => {
    const after = new Set(portsOf(last, port));
    return portsOf(first, port).map((local) => ({ isOpen: after.has(local), forMs: last.atMs - first.atMs }));
  });
  if (had.length === 0) return say.unknown('no client had a connection at the first reading');
  const open = had.filter(({ isOpen }) => isOpen).length;
  const atEnd = spans.reduce((sum, { last }) => sum + portsOf(last, port).length, 0);
  const message =
    `${open} of ${count(had.length, 'connection')} of the first reading still open ` +
    `${formatDuration(Math.max(...had.map(({ forMs }) => forMs)))} later, ${count(atEnd, 'connection')} open by then in all`;
  return (expected === 'open' ? open === had.length : open === 0) ? say.pass(message) : say.fail(message);
}

/** Local ports of the connections to the server. */
export const portsOf = ({ connections }: SocketsSeen, port: number): number[] =>
  connections
    .filter(({ remotePort, state }) => remotePort === port && state === 'ESTABLISHED')
    .map(({ localPort }) => localPort);
