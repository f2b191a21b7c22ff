import type { ServerInterceptor, ServerOptions } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import type { Logger } from '../logger.ts';
import type { ServerTls } from '../tls.ts';
import type { DrainOptions, DrainPhase } from './drain.ts';
import type { Readiness } from './readiness.ts';
import { LONGEST_TIMER_MS } from './time.ts';

/** Milliseconds and counts are whole numbers; `undefined` is the default. */
export type ConnectionOptions = {
  /**
   * A connection that is older gets GOAWAY: its calls go on, new ones take a new connection, for which the client
   * resolves the name again. grpc-js varies it by up to 10 % for each connection. Default: no limit.
   */
  maxConnectionAgeMs?: number | undefined;
  /** How long calls may go on after that before they are cut. Default: no limit. */
  maxConnectionAgeGraceMs?: number | undefined;
  /** A connection without a call for so long is closed. Default: never. */
  maxConnectionIdleMs?: number | undefined;
  /** A ping after each so long, to find clients that are gone without a word. Default: none. */
  keepaliveMs?: number | undefined;
  /** Time for the answer to a ping before the connection is closed. Default 20 000 ms, as in gRPC. */
  keepaliveTimeoutMs?: number | undefined;
  /**
   * Least time between pings of a client while the server sends it nothing. One that pings sooner for the third time
   * gets GOAWAY with ENHANCE_YOUR_CALM and `too_many_pings`, upon which gRPC clients halve their rate; its calls in
   * flight fail (grpc-js calls it RESOURCE_EXHAUSTED). Default: pings are not limited; gRPC's other servers take 5
   * minutes. Choose less than clients are set to: a ping may come early. A connection is watched from its first call
   * on. Takes Node.js 22.17, 24.2 or later; elsewhere a warning says that it has no effect.
   */
  keepaliveMinTimeMs?: number | undefined;
  /** Calls at a time on one connection; the client queues what is above. Default: no limit. */
  maxConcurrentStreams?: number | undefined;
  /** A longer request fails with RESOURCE_EXHAUSTED. Default 4 MiB, as in gRPC; `Infinity`: no limit. */
  maxReceiveMessageBytes?: number | undefined;
  /** A longer response fails with RESOURCE_EXHAUSTED. Default: no limit. */
  maxSendMessageBytes?: number | undefined;
};

export type ServeOptions = ConnectionOptions &
  DrainOptions & {
    /** Where to listen: `0.0.0.0` (default), every IPv4 address; `::`, every IPv6 and IPv4 address; or just one. */
    host?: string;
    /** Default 50051. 0 takes a free one: `StartedServer.port` says which. */
    port?: number;
    /** Default: none, HTTP/2 in clear (h2c). */
    tls?: ServerTls;
    /** Whether grpc.health.v1.Health is served, for "" and each service. Default true. */
    health?: boolean;
    /**
     * The application's own word on whether it can serve. While it is no, or fails, or does not answer in time, health
     * says NOT_SERVING for "" and each service; so it does until the first yes. Calls are served as before.
     */
    readiness?: Readiness;
    /** How often `readiness` is asked, and how long its answer may take. Default 1000 ms. */
    readinessIntervalMs?: number;
    /**
     * The .proto files of the services, for reflection: paths (an import is looked for beside the file that has it),
     * or what proto-loader made of them.
     */
    protos?: readonly string[] | PackageDefinition;
    /**
     * Whether grpc.reflection is served (v1 and v1alpha). It takes `protos`, or services whose definitions proto-loader
     * made. Default: true where it is possible.
     */
    reflection?: boolean;
    /** Whether grpc.channelz.v1 is served: it tells who is connected, to anyone who asks. Default false. */
    channelz?: boolean;
    /** Signals that begin a drain. Default `['SIGTERM']`. */
    drainOn?: readonly NodeJS.Signals[];
    /** Whether the process ends when a drain that a signal began is done. Default true. */
    exitAfterDrain?: boolean;
    /** A drain has come to this phase. */
    onPhase?: (phase: DrainPhase) => void;
    /**
     * When a drain is done: what has to be closed or written before the process ends. Has a second at least and what is
     * left of the grace period; then it is not waited for any longer. If it fails the process ends with code 1.
     */
    onDrained?: () => void | Promise<void>;
    /** Default: warnings to `console.warn`. */
    logger?: Logger;
    /** grpc-js's server options by their own names, and its interceptors. Those above win. */
    serverOptions?: ServerOptions;
  };

type Limit = { grpcJs: string; least: number; most: number };

// grpc-js takes the longest time that a timer can wait for "never", and hands anything longer to a timer, which would
// fire at once.
const LONGEST_MS = LONGEST_TIMER_MS - 1;
/** grpc-js adds up to 10 % to it. */
const LONGEST_AGE_MS = Math.floor(LONGEST_MS / 1.1);
const LARGEST = 2_147_483_647;

const LIMITS: Record<Exclude<keyof ConnectionOptions, 'keepaliveMinTimeMs'>, Limit> = {
  maxConnectionAgeMs: { grpcJs: 'grpc.max_connection_age_ms', least: 1, most: LONGEST_AGE_MS },
  maxConnectionAgeGraceMs: { grpcJs: 'grpc.max_connection_age_grace_ms', least: 0, most: LONGEST_MS },
  maxConnectionIdleMs: { grpcJs: 'grpc.max_connection_idle_ms', least: 1, most: LONGEST_MS },
  keepaliveMs: { grpcJs: 'grpc.keepalive_time_ms', least: 1, most: LONGEST_MS },
  keepaliveTimeoutMs: { grpcJs: 'grpc.keepalive_timeout_ms', least: 1, most: LONGEST_MS },
  maxConcurrentStreams: { grpcJs: 'grpc.max_concurrent_streams', least: 1, most: LARGEST },
  maxReceiveMessageBytes: { grpcJs: 'grpc.max_receive_message_length', least: 0, most: LARGEST },
  maxSendMessageBytes: { grpcJs: 'grpc.max_send_message_length', least: 0, most: LARGEST },
};

const TIMES = {
  keepaliveMinTimeMs: { least: 1, most: LONGEST_MS },
  readinessIntervalMs: { least: 1, most: LONGEST_MS },
  drainDelayMs: { least: 0, most: LONGEST_TIMER_MS },
  drainTimeoutMs: { least: 0, most: LONGEST_TIMER_MS },
  preStopMs: { least: 0, most: Number.MAX_SAFE_INTEGER },
  terminationGracePeriodMs: { least: 0, most: Number.MAX_SAFE_INTEGER },
  port: { least: 0, most: 65_535 },
} as const;

/** @throws RangeError that names the first option that is not what it may be. */
export function checkOptions(options: ServeOptions): void {
  for (const [name, { least, most }] of Object.entries({ ...LIMITS, ...TIMES })) {
    const value = options[name as keyof typeof TIMES | keyof typeof LIMITS];
    if (value === undefined || isUnlimited(name, value)) continue;
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw new RangeError(`grpc-kit: ${name} must be a whole number from ${least} to ${most}, not ${value}`);
  }
}

function isUnlimited(name: string, value: number): boolean {
  return name.endsWith('MessageBytes') && value === Number.POSITIVE_INFINITY;
}

/** What grpc-js is told. */
export function grpcJsOptions(
  options: ServeOptions,
  ...interceptors: (ServerInterceptor | undefined)[]
): ServerOptions {
  const named = Object.entries(LIMITS).flatMap(([name, { grpcJs }]) => {
    const value = options[name as keyof typeof LIMITS];
    if (value === undefined) return [];
    return [[grpcJs, value === Number.POSITIVE_INFINITY ? -1 : value]];
  });
  return {
    ...options.serverOptions,
    ...Object.fromEntries(named),
    interceptors: [
      ...(options.serverOptions?.interceptors ?? []),
      ...interceptors.filter((interceptor) => interceptor !== undefined),
    ],
  };
}
