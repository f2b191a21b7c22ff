// Stands before a DNS server and hands each question over late. What is answered is true when it is: it is asked then.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export type DnsRelayOptions = {
  host: string;
  /** Of UDP and of TCP; 0 lets the system choose one. */
  port: number;
  /** The DNS server, by IPv4 address. */
  target: { host: string; port: number };
  /** From a question to its being handed over; over TCP, of each piece that comes. */
  delayMs: number;
};

export type DnsRelay = { port: number; close: () => void };

/** Who has asked has given up by then. Source: resolv.conf(5), `timeout` and `attempts`. */
const UNANSWERED_MS = 10_000;

/** @throws Error when the port is taken. */
export async function startDnsRelay({ host, port, target, delayMs }: DnsRelayOptions): Promise<DnsRelay> {
  const closing = new AbortController();
  const { signal } = closing;
  const udp = createSocket({ type: 'udp4', signal });
  udp.on('message', async (question, from) => {
    // No answer is one too: who asks asks again.
    await sleep(delayMs, undefined, { signal })
      .then(() => ask(question, target, signal))
      .then((answer) => udp.send(answer, from.port, from.address, () => {}))
      .catch(() => {});
  });
  udp.bind(port, host);
  await once(udp, 'listening');
  const bound = (udp.address() as AddressInfo).port;

  async function* late(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      await sleep(delayMs, undefined, { signal });
      yield chunk;
    }
  }
  const tcp = createServer({ allowHalfOpen: true }, (near) => {
    pipeline(near, late, connect(target), near, { signal }).catch(() => {});
  });
  tcp.listen({ port: bound, host, signal });
  await once(tcp, 'listening');
  return { port: bound, close: () => closing.abort() };
}

/** From a port of its own, so that it is the answer to this question. */
async function ask(
  question: Buffer,
  { host, port }: DnsRelayOptions['target'],
  closing: AbortSignal,
): Promise<Buffer> {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(UNANSWERED_MS)]);
  const socket = createSocket('udp4');
  try {
    socket.send(question, port, host);
    const [answer] = await once(socket, 'message', { signal });
    return answer;
  } finally {
    socket.close();
  }
}
