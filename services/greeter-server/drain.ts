import type { StartedServer } from '../grpc-kit/src/server/index.ts';
import type { Config } from './config.ts';
import type { ServerEvents } from './server-events.ts';

/** How long draining and all else that SIGTERM sets off may take: grpc-kit holds the two times below to it. */
const MORE_MS = 5000;

/** `graceful` is what grpc-kit does upon SIGTERM; for the others it is told not to. */
export function drainOptions({ mode, delayMs, timeoutMs }: Config['drain']) {
  return {
    drainOn: mode === 'graceful' ? (['SIGTERM'] as const) : [],
    drainDelayMs: delayMs,
    drainTimeoutMs: timeoutMs,
    terminationGracePeriodMs: delayMs + timeoutMs + MORE_MS,
  };
}

/** `force`: connections are cut at once. (`none` does not come here: it exits.) */
export async function cut(
  server: Pick<StartedServer, 'close'>,
  events: Pick<ServerEvents, 'tell'>,
): Promise<void> {
  events.tell('sigterm');
  events.tell('shutting-down');
  await server.close();
  events.tell('done');
}
