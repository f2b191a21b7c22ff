import { isIP } from 'node:net';
import { z } from 'zod';
import { durationMs, parseEnv, port, wholeNumber } from '../common/env.ts';
import { identityEnv } from '../common/identity.ts';
import { CONTROL_PORT, GRPC_PORT } from '../protocol/index.ts';

/** What a connection's timers take: 22 days. */
const connectionMs = wholeNumber(1, 1_900_000_000);

const Env = z.object({
  ...identityEnv,
  GRPC_PORT: port.default(GRPC_PORT),
  CONTROL_PORT: port.default(CONTROL_PORT),
  /** Address on which gRPC alone listens; unset: BIND_ADDRESS. */
  GRPC_BIND_ADDRESS: z
    .string()
    .refine((value) => isIP(value) !== 0, 'must be an IP address')
    .optional(),
  /** What the gRPC port speaks; `http1` is a server that answers every request 426 Upgrade Required. */
  GRPC_PROTOCOL: z.enum(['h2c', 'http1'], { error: 'must be h2c or http1' }).default('h2c'),
  // Unset leaves grpc-js its own default: no age limit, no keepalive, no limit of streams.
  GRPC_MAX_CONNECTION_AGE_MS: connectionMs.optional(),
  GRPC_MAX_CONNECTION_AGE_GRACE_MS: wholeNumber(0, 1_900_000_000).optional(),
  GRPC_KEEPALIVE_TIME_MS: connectionMs.optional(),
  GRPC_KEEPALIVE_TIMEOUT_MS: connectionMs.optional(),
  GRPC_MAX_CONCURRENT_STREAMS: wholeNumber(1, 2_147_483_647).optional(),
  /** What SIGTERM does: drain in order, exit at once, or cut every connection and exit. */
  DRAIN: z
    .enum(['graceful', 'none', 'force'], { error: 'must be graceful, none or force' })
    .default('graceful'),
  /** How long a draining server goes on serving: the time for everyone to learn that it is going. */
  DRAIN_DELAY_MS: durationMs.default(3000),
  /** Longest wait for calls in flight after that. */
  DRAIN_TIMEOUT_MS: durationMs.default(20_000),
  /** How long after its start the server says that it is ready: slow starters. */
  READY_AFTER_MS: durationMs.optional(),
  /** Certificate and key (PEM): TLS instead of h2c. */
  GRPC_TLS_CERT: z.string().optional(),
  GRPC_TLS_KEY: z.string().optional(),
  /** Latency until it is changed by the control endpoint. */
  INITIAL_LATENCY_MS: wholeNumber(0, 600_000).default(0),
  /** Services that the gRPC health service says NOT_SERVING for from the start; `*` all that it knows, "" among them. */
  INITIAL_NOT_SERVING: z
    .string()
    .regex(/^(\*|[\w.]+(,[\w.]+)*)$/, 'must be names of services, separated by commas, or *')
    .transform((names) => names.split(','))
    .default([]),
});

export type Config = ReturnType<typeof readConfig>;

/** @throws Error with one line that names what is wrong. */
export function readConfig(env: NodeJS.ProcessEnv) {
  const set = parseEnv(Env, env);
  return {
    identity: { pod: set.POD_NAME, node: set.NODE_NAME },
    podIp: set.POD_IP,
    token: set.LAB_TOKEN,
    host: set.BIND_ADDRESS,
    grpcHost: set.GRPC_BIND_ADDRESS ?? set.BIND_ADDRESS,
    grpcPort: set.GRPC_PORT,
    protocol: set.GRPC_PROTOCOL,
    controlPort: set.CONTROL_PORT,
    connections: {
      maxConnectionAgeMs: set.GRPC_MAX_CONNECTION_AGE_MS,
      maxConnectionAgeGraceMs: set.GRPC_MAX_CONNECTION_AGE_GRACE_MS,
      keepaliveMs: set.GRPC_KEEPALIVE_TIME_MS,
      keepaliveTimeoutMs: set.GRPC_KEEPALIVE_TIMEOUT_MS,
      maxConcurrentStreams: set.GRPC_MAX_CONCURRENT_STREAMS,
    },
    drain: { mode: set.DRAIN, delayMs: set.DRAIN_DELAY_MS, timeoutMs: set.DRAIN_TIMEOUT_MS },
    readyAfterMs: set.READY_AFTER_MS,
    tls: tlsOf(set.GRPC_TLS_CERT, set.GRPC_TLS_KEY),
    initialLatencyMs: set.INITIAL_LATENCY_MS,
    notServing: set.INITIAL_NOT_SERVING,
  };
}

function tlsOf(cert: string | undefined, key: string | undefined) {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new Error('GRPC_TLS_CERT and GRPC_TLS_KEY go together: one of them is missing');
  return { cert, key };
}
