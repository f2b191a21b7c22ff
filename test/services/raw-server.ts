// Servers on loopback that say what a test wants them to.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Starts any server on a port that the system chose, until the test is over. @returns what it has to do with. */
export async function listen(server: Server) {
  const open = new Set<Socket>();
  let opened = 0;
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    opened += 1;
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port, open: () => open.size, opened: () => opened };
}

/** One that does that to each connection, and no more but to read. */
export const serverThat = (does: (socket: Socket) => void) =>
  listen(createServer((socket) => does(socket.resume())));

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
