// The gRPC connections of an arm as the kernels of both ends had them, each time that they were asked.
import { GRPC_PORT, type SocketsAnswer } from '../../services/protocol/index.ts';

import { eventsOf, type History, type SocketsSeen } from './events.ts';
import { CLIENT_APP, SERVER_APP } from './pods.ts';
import { serverArmOf } from './server-arm.ts';

/** One reading of all pods of an arm. */
export type ConnectionsRead = {
  atMs: number;
  /** ESTABLISHED, as the clients have it, and as the servers do. */
  open: number;
  openAtServers: number;
  /** TIME_WAIT on the clients' side: each keeps a port of theirs. */
  timeWait: number;
  /** TIME_WAIT on the servers' side. */
  timeWaitAtServers: number;
  /** TIME_WAIT on either side: whoever closes first has it, where both close at once both do. */
  timeWaitOnEitherSide: number;
  /** The clients' channels, and their connections, by channelz. */
  channelz: { channels: number; connections: number };
  /** Ports for outgoing connections that the client with the fewest of them has left; undefined where it is not told. */
  portsLeft: number | undefined;
  /** Of how many. */
  ports: number | undefined;
  /** Resident memory of all clients, and of all servers; undefined where one did not tell. */
  residentBytes: { clients: number; servers: number } | undefined;
};

type Connection = SocketsAnswer['connections'][number];

/** In order of time. A pod's first answer goes with the first of the others, and so on. */
export function connectionsRead(history: History, arm: string): ConnectionsRead[] {
  const read = eventsOf(history, 'sockets');
  const of = (app: string, pods: string) => read.filter((seen) => seen.arm === pods && seen.app === app);
  const clients = turns(of(CLIENT_APP, arm));
  const servers = turns(of(SERVER_APP, serverArmOf(history, arm)));
  return clients.map((ofClients, index) => reading(ofClients, servers[index] ?? []));
}

function turns(answers: readonly SocketsSeen[]): SocketsSeen[][] {
  const byPod = [...Map.groupBy(answers, ({ source }) => source).values()];
  const most = Math.max(0, ...byPod.map(({ length }) => length));
  return Array.from({ length: most }, (_, index) =>
    byPod.flatMap((ofPod) => {
      const answer = ofPod[index];
      return answer === undefined ? [] : [answer];
    }),
  );
}

function reading(clients: readonly SocketsSeen[], servers: readonly SocketsSeen[]): ConnectionsRead {
  const there = clients.flatMap(({ source, connections }) =>
    connections.filter(({ remotePort }) => remotePort === GRPC_PORT).map((each) => ({ source, ...each })),
  );
  const here = servers.flatMap(({ connections }) =>
    connections.filter(({ localPort }) => localPort === GRPC_PORT),
  );
  const isIn = (state: string) => (each: Connection) => each.state === state;
  const waiting = there.filter(isIn('TIME_WAIT'));
  const waitingHere = here.filter(isIn('TIME_WAIT'));
  const ports = new Set([
    ...waiting.map(({ localPort }) => localPort),
    ...waitingHere.map(({ remotePort }) => remotePort),
  ]);
  const left = clients.flatMap(({ source, portRange }) => {
    if (portRange === null) return [];
    const [first, last] = portRange;
    const used = there.filter(
      ({ source: of, localPort }) => of === source && localPort >= first && localPort <= last,
    );
    const all = last - first + 1;
    return [{ all, left: all - new Set(used.map(({ localPort }) => localPort)).size }];
  });
  const [fewest] = left.toSorted((a, b) => a.left - b.left);
  return {
    atMs: Math.max(...clients.map(({ atMs }) => atMs)),
    open: there.filter(isIn('ESTABLISHED')).length,
    openAtServers: here.filter(isIn('ESTABLISHED')).length,
    timeWait: waiting.length,
    timeWaitAtServers: waitingHere.length,
    timeWaitOnEitherSide: ports.size,
    channelz: {
      channels: sum(clients.map(({ channelz }) => channelz?.channels ?? 0)),
      connections: sum(clients.map(({ channelz }) => channelz?.connections ?? 0)),
    },
    portsLeft: fewest?.left,
    ports: fewest?.all,
    residentBytes: residentOf(clients, servers),
  };
}

function residentOf(
  clients: readonly SocketsSeen[],
  servers: readonly SocketsSeen[],
): ConnectionsRead['residentBytes'] {
  const bytesOf = (pods: readonly SocketsSeen[]) =>
    sum(pods.map(({ residentBytes = Number.NaN }) => residentBytes));
  const bytes = { clients: bytesOf(clients), servers: bytesOf(servers) };
  return Number.isNaN(bytes.clients + bytes.servers) ? undefined : bytes;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
