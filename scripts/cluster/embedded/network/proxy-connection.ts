// One proxied connection: bytes, half-closes and resets pass in both directions, at the pace of who reads them.
import { connect, type Socket } from 'node:net';
import type { Endpoint } from './endpoints.ts';

/**
 * Connects an accepted connection to an endpoint, from the client's own address: the server sees the client.
 * A failure on one side is a reset on the other.
 *
 * @returns the connection to the endpoint; undefined when the client is gone.
 */
export function forward(client: Socket, { address, port }: Endpoint): Socket | undefined {
  const localAddress = client.remoteAddress;
  if (!localAddress || client.destroyed) {
    reset(client);
    return undefined;
  }
  const upstream = connect({ host: address, port, localAddress, allowHalfOpen: true, noDelay: true });
  client.on('error', () => reset(upstream));
  upstream.on('error', () => reset(client));
  client.pipe(upstream).pipe(client);
  return upstream;
}

export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  // What is not connected yet has nobody to tell.
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}

/** What a client may send before anybody reads it. */
const HELD_BYTES = 65_536;

/**
 * Keeps a connection open without an answer, until it is let go or the client gives up.
 *
 * @returns what lets it go, with everything that the client has sent meanwhile still to be read.
 */
export function hold(client: Socket, onGone: () => void): () => void {
  const sent: Buffer[] = [];
  let size = 0;
  const onData = (chunk: Buffer) => {
    sent.push(chunk);
    size += chunk.length;
    if (size > HELD_BYTES) client.pause();
  };
  const onEnd = () => client.destroy();
  const letGo = () => {
    client.off('data', onData).off('end', onEnd).off('close', onGone);
    client.pause();
    if (size > 0) client.unshift(Buffer.concat(sent));
  };
  client.on('data', onData).on('end', onEnd).on('close', onGone);
  client.resume();
  return letGo;
}
