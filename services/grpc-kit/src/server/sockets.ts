import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { LocalEnd } from './address.ts';

const CHANNEL = 'net.server.socket';

/**
 * The open sockets of a server. grpc-js knows HTTP/2 sessions only, and ends even those politely: it leaves open what
 * has not finished its TLS handshake, and what belongs to a peer that no longer answers. Node.js tells of new sockets
 * on a diagnostics channel (documented as experimental); should it stop to, there are none here.
 */
export function trackSockets(isOurs: (socket: LocalEnd) => boolean) {
  const open = new Set<Socket>();
  let opened = 0;

  function onSocket(message: unknown): void {
    const { socket } = message as { socket: Socket };
    if (!isOurs(socket)) return;
    open.add(socket);
    opened += 1;
    socket.once('close', () => open.delete(socket));
  }
  subscribe(CHANNEL, onSocket);

  return {
    counts: () => ({ open: open.size, opened }),
    destroy(): void {
      for (const socket of open) socket.destroy();
    },
    stop(): void {
      unsubscribe(CHANNEL, onSocket);
    },
  };
}
