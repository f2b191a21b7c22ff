import { connect } from 'node:net';
import { nowMs, roundMs } from '../common/clock.ts';
import type { TcpProbeAnswer } from '../protocol/index.ts';

/** Opens a connection and closes it. `error` is the system's code, such as ECONNREFUSED, or ETIMEDOUT. */
export function probeTcp(host: string, port: number, timeoutMs: number): Promise<TcpProbeAnswer> {
  const startedMs = nowMs();
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    function answer(error?: string): void {
      clearTimeout(timer);
      socket.destroy();
      const ms = roundMs(nowMs() - startedMs);
      resolve(error === undefined ? { ms, connected: true } : { ms, connected: false, error });
    }
    const timer = setTimeout(answer, timeoutMs, 'ETIMEDOUT');
    socket.once('connect', () => answer());
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code ?? error.message));
  });
}
