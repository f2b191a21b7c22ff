// One command at a time on a lab. The lock is a listening unix socket: the kernel closes it with its owner, so a
// crash never leaves it shut, and whoever finds it taken can ask its owner what it is doing.
import { createHash } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { LabError } from '../common/errors.ts';

/**
 * Takes the lock of `name`; disposing of it, or the end of the process, gives it back.
 *
 * @param purpose what the holder is doing, told to others that come: `lab:up (pid 4711)`.
 * @throws LabError `failed` when another process holds it, with that one's purpose.
 */
export async function takeLock(name: string, purpose: string): Promise<AsyncDisposable> {
  const address = lockAddress(name);
  const server = createServer((socket) => socket.on('error', () => {}).end(purpose));
  if (!(await tryListen(server, address))) {
    const holder = await lockHolder(name);
    if (holder !== undefined) {
      throw new LabError('failed', `the lab "${name}" is in use by ${holder}`, {
        hint: 'Wait until it has ended, or end it with Ctrl-C there.',
      });
    }
    // Nobody answers behind it: what is left of a process that died (socket files only; abstract ones go with it).
    await unlink(address).catch(() => {});
    if (!(await tryListen(server, address))) {
      throw new LabError('failed', `the lock of the lab "${name}" (${address}) cannot be taken`);
    }
  }
  server.unref();
  return {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** Linux has sockets without a file, which vanish with their process; elsewhere it is a file in the temp folder. */
function lockAddress(name: string): string {
  const id = createHash('sha256').update(`${userInfo().uid}/${name}`).digest('hex').slice(0, 16);
  return process.platform === 'linux' ? `\0grpc-kind-lab-${id}` : join(tmpdir(), `grpc-kind-lab-${id}.sock`);
}

function tryListen(server: Server, address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(address, () => resolve(true));
  });
}

/** The purpose of whoever holds the lock of `name`; undefined when nobody does. */
export function lockHolder(name: string): Promise<string | undefined> {
  const address = lockAddress(name);
  return new Promise((resolve) => {
    let purpose = '';
    const socket = connect(address);
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (chunk) => {
      purpose += chunk.toString();
    });
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(purpose || 'another process'));
  });
}
