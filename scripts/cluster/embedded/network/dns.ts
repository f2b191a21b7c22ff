// The cluster's DNS server, over UDP and TCP: what CoreDNS is to a cluster. What it answers is in dns-records.ts.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Store } from '../store.ts';
import type { Addresses } from './addresses.ts';
import { respond } from './dns-message.ts';
import { answer, type DnsAnswer } from './dns-records.ts';

export type DnsFault =
  /** Nobody listens: refused, as with no CoreDNS pod. */
  | { kind: 'down' }
  | { kind: 'servfail' }
  | { kind: 'nxdomain' }
  /** Each answer takes this long. */
  | { kind: 'slow'; ms: number };

export type Dns = {
  address: string;
  port: number;
  /** What ails the server from now on; undefined heals it. Resolves when it is so. */
  setFault(fault: DnsFault | undefined): Promise<void>;
  stop(): Promise<void>;
};

const IDLE_MS = 8000;

/** @throws Error when the port is in use. */
export async function startDns({
  store,
  addresses,
  port = 1053,
  log,
}: {
  store: Store;
  addresses: Pick<Addresses, 'dns'>;
  /** One above 1023, for want of root. */
  port?: number;
  log: (text: string) => void;
}): Promise<Dns> {
  let fault: DnsFault | undefined;
  const delayed = new Set<NodeJS.Timeout>();

  const resolve = (name: string, type: string): DnsAnswer => {
    const nothing = { answers: [], authority: [], additional: [] };
    if (fault?.kind === 'servfail') return { rcode: 'SERVFAIL', ...nothing };
    if (fault?.kind === 'nxdomain') return { rcode: 'NXDOMAIN', ...nothing };
    const found = answer(store, name, type);
    return {
      ...found,
      answers: shuffleAddresses(found.answers),
      additional: shuffleAddresses(found.additional),
    };
  };
  const onMessage: OnMessage = (message, transport, send) => {
    const say = () => {
      try {
        const response = respond(message, transport, resolve);
        if (response) send(response);
      } catch (error) {
        log(`dns: ${error instanceof Error ? error.stack : error}`);
      }
    };
    if (fault?.kind !== 'slow') return say();
    const timer = setTimeout(() => {
      delayed.delete(timer);
      say();
    }, fault.ms);
    delayed.add(timer);
  };

  let listeners: Listeners | undefined = await open(addresses.dns, port, onMessage);
  let changes: Promise<void> = Promise.resolve();
  /** One change after the other. */
  const change = (next: () => Promise<void>): Promise<void> => {
    const done = changes.then(next);
    changes = done.catch(() => {});
    return done;
  };
  const close = async () => {
    for (const timer of delayed) clearTimeout(timer);
    delayed.clear();
    await listeners?.close();
    listeners = undefined;
  };
  return {
    address: addresses.dns,
    port,
    setFault: (wanted) =>
      change(async () => {
        fault = wanted;
        if (wanted?.kind === 'down') await close();
        else listeners ??= await open(addresses.dns, port, onMessage);
      }),
    stop: () => change(close),
  };
}

type OnMessage = (message: Buffer, transport: 'udp' | 'tcp', send: (response: Buffer) => void) => void;
type Listeners = { close(): Promise<void> };

async function open(address: string, port: number, onMessage: OnMessage): Promise<Listeners> {
  const connections = new Set<Socket>();
  const udp = createSocket('udp4');
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    serve(socket, onMessage);
  });
  udp.on('message', (message, { address: client, port: clientPort }) =>
    onMessage(message, 'udp', (response) => udp.send(response, clientPort, client, () => {})),
  );
  const close = async () => {
    for (const socket of connections) socket.destroy();
    await Promise.all([closed(udp), closed(tcp)]);
  };
  try {
    udp.bind({ address, port, exclusive: true });
    await once(udp, 'listening');
    tcp.listen({ host: address, port });
    await once(tcp, 'listening');
  } catch (error) {
    await close();
    throw error;
  }
  // From here on an error is that of one datagram or one connection, of which the client hears nothing.
  udp.on('error', () => {});
  tcp.on('error', () => {});
  return { close };
}

const closed = (listener: UdpSocket | Server): Promise<void> =>
  new Promise((resolve) => {
    try {
      listener.close(() => resolve());
    } catch {
      // It never was open.
      resolve();
    }
  });

/** Messages over TCP come with their length before them, and many over one connection. */
function serve(socket: Socket, onMessage: OnMessage): void {
  let received = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const message = received.subarray(2, end);
      received = received.subarray(end);
      onMessage(message, 'tcp', (response) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(response.length);
        if (socket.writable) socket.write(Buffer.concat([length, response]));
      });
    }
  });
}

/** In another order each time, as CoreDNS' loadbalance plugin has it; only addresses. */
function shuffleAddresses(records: DnsAnswer['answers']): DnsAnswer['answers'] {
  if (records.some(({ type }) => type !== 'A')) return records;
  const shuffled = [...records];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [shuffled[last], shuffled[other]] = [
      shuffled[other] as (typeof records)[0],
      shuffled[last] as (typeof records)[0],
    ];
  }
  return shuffled;
}
