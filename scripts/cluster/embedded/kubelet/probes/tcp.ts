import { connect } from 'node:net';
import { failure, type ProbeResult, success } from './result.ts';

export type From = { host: string; port: number; localAddress: string; timeoutMs: number };

/** What Go says of an error of connect. */
export function dialText({ host, port }: Pick<From, 'host' | 'port'>, error: NodeJS.ErrnoException): string {
  const causes: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ECONNRESET: 'connect: connection reset by peer',
    ETIMEDOUT: 'i/o timeout',
  };
  return `dial tcp ${host}:${port}: ${causes[error.code ?? ''] ?? error.message}`;
}

/** A connection that opens is all it takes. */
export function probeTcp(from: From): Promise<ProbeResult> {
  const { host, port, localAddress, timeoutMs } = from;
  return new Promise((resolve) => {
    const socket = connect({ host, port, localAddress });
    const end = (result: ProbeResult) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end(failure(`dial tcp ${host}:${port}: i/o timeout`)), timeoutMs);
    socket.once('connect', () => end(success()));
    socket.on('error', (error) => end(failure(dialText(from, error))));
  });
}
