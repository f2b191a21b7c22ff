// Hand-written histories of connections that age: an arm's client calls, or opens streams, on one connection after another.
import type { Call, Connectivity, HistoryEvent, SocketsSeen } from '../../scripts/history/index.ts';
import { CLIENT_APP } from '../../scripts/history/index.ts';
import { GRPC_PORT } from '../../services/protocol/index.ts';
import { call, clock, counters, podSeen, workloadEnd } from './history.ts';

export const END_MS = 28_000;
const FIRST_READ_MS = 2000;
const LAST_READ_MS = 27_500;

export type Aging = {
  arm: string;
  /** Undefined: connections stay. */
  ageMs?: number;
  /** Undefined: what is on a connection may go on. */
  graceMs?: number;
  callMs?: number;
  /** Between two calls. */
  everyMs?: number;
  streams?: boolean;
  /** Changes a call. */
  tamper?: (call: Call) => Call;
};

const DROPPED = { code: 'UNAVAILABLE', message: 'Connection dropped' };
const RESET = {
  code: 'INTERNAL',
  message: 'Received RST_STREAM with code 0 (Call ended without gRPC status)',
};

/** A history without marks, for several arms are one run. */
export function aging(options: Aging): HistoryEvent[] {
  const { arm, ageMs = Number.POSITIVE_INFINITY, graceMs, callMs = 15_000, everyMs = 500, streams } = options;
  const client = `client-${arm}`;
  const server = `server-${arm}`;
  const made: { readyMs: number; leftMs: number; cutMs: number; open: Call[]; port: number }[] = [];
  for (let readyMs = 105; readyMs < END_MS; readyMs += ageMs + 5) {
    const leftMs = readyMs + ageMs;
    made.push({
      readyMs,
      leftMs,
      cutMs: leftMs + (graceMs ?? Number.POSITIVE_INFINITY),
      open: [],
      port: 40_000 + made.length,
    });
  }
  const connectivity = made.flatMap(({ readyMs, leftMs }) => [
    state(arm, client, 'CONNECTING', readyMs - 5),
    state(arm, client, 'READY', readyMs),
    ...(leftMs < END_MS ? [state(arm, client, 'IDLE', leftMs)] : []),
  ]);
  const calls = Array.from({ length: Math.ceil((END_MS - 100) / everyMs) }, (_, seq) => {
    const atMs = 100 + seq * everyMs;
    const on = made.findLast(({ readyMs }) => readyMs <= atMs + 5) ?? made[0];
    const endsMs = streams ? END_MS + 10 : atMs + callMs;
    const well: Partial<Call> = streams
      ? { code: 'CANCELLED', message: 'Cancelled on client' }
      : { pod: server, previousAttempts: 0 };
    if (on === undefined || endsMs <= on.cutMs)
      return call(seq, atMs, { arm, source: client, latencyMs: endsMs - atMs, ...well });
    const cut = call(seq, atMs, { arm, source: client, latencyMs: on.cutMs - atMs, ...RESET });
    on.open.push(cut);
    return cut;
  });
  // The last of those that are cut together goes with the connection.
  for (const { open } of made) Object.assign(open.at(-1) ?? {}, DROPPED);
  const told = calls.map(options.tamper ?? ((each) => each));
  const answered = told.filter(({ pod }) => pod !== undefined).length;
  return [
    clock(client),
    clock(server),
    podSeen(server, 0, { arm, ip: '10.0.0.1' }),
    podSeen(client, 0, { arm, app: CLIENT_APP }),
    ...connectivity,
    ...told,
    ...[FIRST_READ_MS, LAST_READ_MS].map((atMs) =>
      sockets(
        arm,
        client,
        atMs,
        made
          .filter((each) => each.readyMs <= atMs && isOpen(each, atMs, Boolean(streams)))
          .map(({ port }) => port),
      ),
    ),
    counters(
      server,
      END_MS + 20_000,
      { [client]: [answered + told.filter(({ pod }) => pod === undefined).length] },
      true,
      arm,
    ),
    workloadEnd(client, END_MS + 20_000, told.length, {}, arm),
  ];
}

/** A connection on which nothing is left closes when it is told to go. */
function isOpen(connection: { leftMs: number; cutMs: number }, atMs: number, streams: boolean): boolean {
  return atMs < (streams ? connection.cutMs : connection.leftMs);
}

const state = (arm: string, source: string, name: string, atMs: number): Connectivity => ({
  type: 'connectivity',
  arm,
  source,
  subchannel: 7,
  state: name,
  atMs,
});

const sockets = (arm: string, source: string, atMs: number, ports: readonly number[]): SocketsSeen => ({
  type: 'sockets',
  arm,
  app: CLIENT_APP,
  source,
  atMs,
  states: { ESTABLISHED: ports.length },
  portRange: null,
  connections: ports.map((localPort) => ({
    localPort,
    remoteAddress: '10.0.0.1',
    remotePort: GRPC_PORT,
    state: 'ESTABLISHED',
  })),
});
