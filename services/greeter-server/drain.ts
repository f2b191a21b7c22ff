import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '@grpc/grpc-js';
import type { Config } from './config.ts';
import type { Health } from './health.ts';
import type { ServerEvents } from './server-events.ts';

/**
 * What SIGTERM sets off, but for exiting. `graceful`: health says NOT_SERVING, so that the pod leaves the endpoints;
 * calls are served as before while clients learn of it; then no new calls, and those in flight may end, for as long
 * as the time-out allows (an open stream such as Health/Watch would hold it for ever). `force` cuts connections at
 * once. (`none` does not come here: it exits.)
 */
export async function drain(
  config: Config['drain'],
  server: Server,
  health: Health,
  events: Pick<ServerEvents, 'tell'>,
): Promise<void> {
  events.tell('sigterm');
  if (config.mode === 'graceful') {
    health.drain();
    events.tell('not-serving');
    await delay(config.delayMs);
    events.tell('shutting-down');
    await Promise.race([closed(server), delay(config.timeoutMs)]);
  } else {
    events.tell('shutting-down');
  }
  server.forceShutdown();
  // Calls that were cut are told so, and counted, in the next turns of the event loop.
  await delay(1);
  events.tell('done');
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.tryShutdown(() => resolve());
  });
}
