import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { ConnectionCounts } from '../protocol/index.ts';

export type Connections = { counts: () => ConnectionCounts; version: () => number };

/**
 * Counts the TCP connections that this process accepts on a port, from the moment of the call on. They are seen as the
 * process accepts them, whoever serves them: grpc-js tells of its own only while somebody asks.
 */
export function countConnections(port: number): Connections {
  let open = 0;
  let opened = 0;
  let closed = 0;
  subscribe('net.server.socket', (message) => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort !== port) return;
    open += 1;
    opened += 1;
    socket.once('close', () => {
      open -= 1;
      closed += 1;
    });
  });
  return { counts: () => ({ open, opened }), version: () => opened + closed };
}
