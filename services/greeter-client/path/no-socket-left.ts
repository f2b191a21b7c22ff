// grpc-js (1.14) has no way to give up a connection that is being made: closing the channel leaves the socket open for
// as long as a server keeps it waiting for its SETTINGS. So sockets are noted as they are opened. Node.js tells of them
// on a diagnostics channel (documented as experimental); whose they are is told from the asynchronous context.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const opened = new AsyncLocalStorage<(socket: Socket) => void>();
subscribe('net.client.socket', (message) => opened.getStore()?.((message as { socket: Socket }).socket));

/** Does `work`. When it is done every connection that it has opened is cut, and so is each that it still opens later. */
export async function leaveNoSocket<T>(work: () => Promise<T>): Promise<T> {
  const sockets = new Set<Socket>();
  let done = false;
  function note(socket: Socket): void {
    if (!done) sockets.add(socket);
    // Later: it is told of before it connects, and a socket that was destroyed before that connects all the same.
    else process.nextTick(() => socket.destroy());
  }
  try {
    return await opened.run(note, work);
  } finally {
    done = true;
    for (const socket of sockets) socket.destroy();
  }
}
