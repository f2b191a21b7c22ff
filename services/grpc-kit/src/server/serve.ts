import {
  addAdminServicesToServer,
  Server,
  type ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { defaultLogger, guardedLogger } from '../logger.ts';
import { serviceName } from '../service-name.ts';
import { serverCredentials } from '../tls.ts';
import { hostAndPort, isBoundTo } from './address.ts';
import { type DrainPhase, drain, drainTimes } from './drain.ts';
import { createHealth, type Health, type HealthState } from './health.ts';
import { enforceKeepalive } from './keepalive-enforcement.ts';
import { checkOptions, grpcJsOptions, type ServeOptions } from './options.ts';
import { followReadiness } from './readiness.ts';
import { shutdownOf } from './shutdown.ts';
import { drainOnSignals } from './signals.ts';
import { trackSockets } from './sockets.ts';
import { within } from './time.ts';
import type { AnyHostedServices, HostedServices } from './types.ts';

const ANY_HOST = '0.0.0.0';

export type StartedServer = AsyncDisposable & {
  /** The one it listens on. */
  readonly port: number;
  readonly state: 'serving' | 'draining' | 'closed';
  readonly health: Health;
  /** TCP connections: those that are open, and all that were accepted since it started to listen. */
  connections: () => { open: number; opened: number };
  /**
   * Takes the server out of service: health says NOT_SERVING; after `drainDelayMs` no new calls; when those in flight
   * have ended, at the latest when the time is over, everything is closed and `onDrained` called. Again, or after
   * `close`, it is the same promise or resolves at once.
   *
   * @throws what `onDrained` does.
   */
  drain: () => Promise<void>;
  /**
   * Cuts every call (clients see CANCELLED) and connection at once, also in the middle of a drain. Resolves when no
   * socket, timer or handler of signals is left; handlers of signals stay while `onDrained` of a drain runs.
   */
  close: () => Promise<void>;
  /** grpc-js's own, for what is not here. */
  readonly server: Server;
};

/**
 * Hosts services: with health, reflection where it can, and a drain upon SIGTERM after which the process ends.
 *
 * @param services pairs of a definition, as generated code exports it, and the handlers of its methods:
 *   `serve([[GreeterService, { sayHello }]])`.
 * @throws RangeError for an option out of range. Error when the grace period is too short for the drain, a certificate
 *   or .proto cannot be used, or the address cannot be listened on.
 */
export async function serve<const Definitions extends readonly ServiceDefinition[]>(
  services: HostedServices<Definitions>,
  options: ServeOptions = {},
): Promise<StartedServer> {
  checkOptions(options);
  const { host = ANY_HOST, onDrained } = options;
  const logger = guardedLogger(options.logger ?? defaultLogger);
  const times = drainTimes(options, onDrained !== undefined);
  const credentials = serverCredentials(options.tls);
  const hosted: AnyHostedServices = services;

  const health = createHealth(hosted.map(([definition]) => serviceName(definition)));
  if (options.readiness) health.setReady(false);
  const enforcement =
    options.keepaliveMinTimeMs === undefined
      ? undefined
      : enforceKeepalive(options.keepaliveMinTimeMs, logger);
  // Channelz is counted whether or not it is served: without, grpc-js 1.14 forgets its sessions, and forceShutdown
  // leaves them open.
  const server = new Server(grpcJsOptions(options, enforcement?.interceptor));
  for (const [definition, implementation] of hosted) {
    server.addService(definition, implementation as UntypedServiceImplementation);
  }
  const { endWatches, port } = await open(server, hosted, options, health, credentials).catch((error) => {
    server.forceShutdown();
    throw error;
  });

  const isOurs = isBoundTo(host, port);
  const sockets = trackSockets(isOurs);
  const stops = [
    () => sockets.stop(),
    enforcement?.start(isOurs),
    options.readiness &&
      followReadiness(options.readiness, options.readinessIntervalMs ?? 1000, health.setReady, logger),
  ];

  const shutdown = shutdownOf(server, endWatches, sockets);
  const hurry = new AbortController();
  let state: StartedServer['state'] = 'serving';
  let cutting: Promise<void> | undefined;
  let draining: Promise<void> | undefined;

  async function cutAll(): Promise<void> {
    await shutdown.cut();
    for (const stop of stops) stop?.();
    state = 'closed';
  }
  function cut(): Promise<void> {
    cutting ??= cutAll();
    return cutting;
  }
  function tell(phase: DrainPhase): void {
    try {
      options.onPhase?.(phase);
    } catch (error) {
      logger.warn(`onPhase('${phase}') failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  async function drainAll(): Promise<void> {
    const endMs = performance.now() + times.totalMs;
    state = 'draining';
    try {
      await drain({ leave: health.drain, shutDown: shutdown.shutDown, cut }, times, tell, hurry.signal);
      const leftMs = Math.max(0, endMs - performance.now());
      if (onDrained && !(await within(leftMs, Promise.resolve(onDrained())))) {
        logger.warn('onDrained has not ended in time');
      }
    } finally {
      // Not before: without a handler the next SIGTERM would end the process in the middle of `onDrained`.
      ignoreSignals();
    }
  }
  const started: StartedServer = {
    port,
    server,
    health: health.health,
    connections: sockets.counts,
    get state() {
      return state;
    },
    drain() {
      draining ??= cutting ?? drainAll();
      return draining;
    },
    async close() {
      hurry.abort();
      await cut();
      if (!draining) ignoreSignals();
    },
    [Symbol.asyncDispose]: () => started.close(),
  };

  const { drainOn = ['SIGTERM'], exitAfterDrain = true } = options;
  const ignoreSignals = drainOnSignals(
    drainOn,
    () => {
      tell('sigterm');
      return started.drain();
    },
    exitAfterDrain,
    logger,
  );
  return started;
}

async function open(
  server: Server,
  services: AnyHostedServices,
  options: ServeOptions,
  health: HealthState,
  credentials: ServerCredentials,
): Promise<{ endWatches: () => void; port: number }> {
  const endWatches = await addOwnServices(server, services, options, health);
  return {
    endWatches,
    port: await listen(server, options.host ?? ANY_HOST, options.port ?? 50051, credentials),
  };
}

/** @returns what ends every Health/Watch. */
async function addOwnServices(
  server: Server,
  services: AnyHostedServices,
  options: ServeOptions,
  health: HealthState,
): Promise<() => void> {
  const { protos } = options;
  const logger = guardedLogger(options.logger ?? defaultLogger);
  if (options.reflection !== false) {
    // Loaded only here, as health is: they read .proto files, which a program that is a client only need not have.
    const { addReflection } = await import('./reflection.ts');
    const added = await addReflection(server, services, protos, logger);
    if (!added && options.reflection) {
      throw new Error('grpc-kit: reflection needs the .proto files of the services: give `protos`');
    }
  }
  if (options.channelz) addAdminServicesToServer(server);
  if (options.health === false) return () => {};
  const { addHealthService } = await import('./health-service.ts');
  return addHealthService(server, health);
}

function listen(server: Server, host: string, port: number, credentials: ServerCredentials): Promise<number> {
  const address = hostAndPort(host, port);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (!error) resolve(bound);
      else reject(new Error(`grpc-kit: cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
}
