import { z } from 'zod';

const id = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a DNS label');

/** gRPC's own retry policy, per call (gRPC proposal A6). grpc-js makes at most 5 attempts whatever is asked. */
export const RetryPolicy = z.strictObject({
  maxAttempts: z.int().min(2).max(5),
  initialBackoffMs: z.number().positive(),
  maxBackoffMs: z.number().positive(),
  backoffMultiplier: z.number().positive(),
  /** Status codes by name, as in gRPC's service config: `UNAVAILABLE`. */
  retryableStatusCodes: z.array(z.string()).min(1),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;

/** gRPC's hedging policy, per call (gRPC proposal A6): more attempts before the first has failed. */
export const HedgingPolicy = z.strictObject({
  maxAttempts: z.int().min(2).max(5),
  /** Time between the attempts; 0 sends all at once. */
  hedgingDelayMs: z.number().min(0),
  /** Status codes by name upon which the next attempt starts at once; any other ends the call. */
  nonFatalStatusCodes: z.array(z.string()).default([]),
});
export type HedgingPolicy = z.infer<typeof HedgingPolicy>;

/** gRPC's retry throttling, per channel (gRPC proposal A6): no retry while half of the tokens or fewer are left. */
export const RetryThrottling = z.strictObject({
  maxTokens: z.number().positive().max(1000),
  /** What a success gives back; a failure costs one. */
  tokenRatio: z.number().positive(),
});
export type RetryThrottling = z.infer<typeof RetryThrottling>;

/** What one greeter-client pod is to call, how, and how fast. */
export const WorkloadSpec = z.strictObject({
  id,
  /** A gRPC target: `dns:///greeter-headless:50051`; with the stack kit also `kubernetes:///…` and `dns-poll:///…`. */
  target: z.string().min(1),
  /** The client library: bare grpc-js, or grpc-kit. */
  stack: z.enum(['grpc-js', 'kit']).default('grpc-js'),
  /** `prefer_same_node` is grpc-kit's. */
  policy: z.enum(['pick_first', 'round_robin', 'prefer_same_node']).default('round_robin'),
  /** Calls are dealt to the channels in turn. */
  channels: z.int().min(1).max(1000).default(1),
  /** `own` gives every channel its own subchannels, and so its own connections. */
  subchannelPool: z.enum(['shared', 'own']).default('shared'),
  /** `call`: every call has a channel of its own. Not with the stack kit. */
  channelPer: z.enum(['workload', 'call']).default('workload'),
  /** Whether the channel of a single call is closed with it; left open, it leaks. */
  closeChannels: z.boolean().default(true),
  /** TLS with this certificate authority (PEM; default: the system's), with credentials made anew for every channel. */
  tls: z.strictObject({ ca: z.string().min(1).optional() }).optional(),
  /** `health-watch` opens streams of the health service instead, which stay open. Not with the stack kit. */
  method: z.enum(['say-hello', 'health-watch']).default('say-hello'),
  /** Calls a second, open loop: a call is due at its time whether or not earlier ones have ended. */
  ratePerSecond: z.number().positive().max(20_000),
  /**
   * Calls that are due at once: 200 a second in bursts of 10 are ten calls every 50 ms. A process that wakes up for
   * one call needs several times the CPU per call of one that has more to do when it does.
   */
  burst: z.int().min(1).max(1000).default(1),
  /** Most calls in flight; a call that is due beyond it waits, and its wait counts in its latency. */
  concurrency: z.int().min(1).max(100_000).default(1000),
  deadlineMs: z.number().positive().default(2000),
  waitForReady: z.boolean().default(false),
  retry: RetryPolicy.optional(),
  /** Not together with `retry`. */
  hedging: HedgingPolicy.optional(),
  throttling: RetryThrottling.optional(),
  /** grpc-js channel options, by their own names: `grpc.dns_min_time_between_resolutions_ms`. */
  channelOptions: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  /** Path of the method that `say-hello` calls: another than the server's is what a renamed service looks like. */
  methodPath: z
    .string()
    .regex(/^\/[^/]+\/[^/]+$/, 'must be /package.Service/Method')
    .default('/greet.Greeter/SayHello'),
  /** The name that is greeted. */
  name: z.string().default('world'),
  /** Bytes that the name is filled up to. */
  nameBytes: z
    .int()
    .min(0)
    .max(64 * 1024 ** 2)
    .default(0),
  /** False keeps histograms and counts but no record of each call. */
  record: z.boolean().default(true),
});
export type WorkloadSpec = z.infer<typeof WorkloadSpec>;
/** A workload as it is asked for: what has a default may be left out. */
export type WorkloadRequest = z.input<typeof WorkloadSpec>;

/** What may be changed while a workload runs. */
export const WorkloadChange = z.strictObject({
  ratePerSecond: WorkloadSpec.shape.ratePerSecond.optional(),
  concurrency: z.int().min(1).max(100_000).optional(),
  deadlineMs: z.number().positive().optional(),
});
export type WorkloadChange = z.infer<typeof WorkloadChange>;

/** A latency distribution. `encoded` is HdrHistogram's own compressed base64, in microseconds, for merging. */
export type LatencySummary = {
  count: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
  encoded: string;
};

/** Calls that failed alike, and when the first and the last of them ended. */
export type FailureCount = {
  code: string;
  message: string;
  count: number;
  firstMs: number;
  lastMs: number;
};

/** How a workload is doing, or how it did. */
export type WorkloadStatus = {
  id: string;
  running: boolean;
  /** Calls that were due by now. */
  due: number;
  started: number;
  ended: number;
  inFlight: number;
  /** Ended calls by status code name: `{ OK: 1200, UNAVAILABLE: 1 }`. */
  codes: Record<string, number>;
  /** Failed calls, each different code and message once, times in messages rounded; at most 20, the last ones. */
  failures: FailureCount[];
  /** OK answers by the pod that answered; at most 1 000 pods. */
  pods: Record<string, number>;
  /** When the last OK answer came. */
  lastOkMs?: number;
  /** From the intended start to the end of a call: waiting to be started counts. */
  latency: LatencySummary;
  /** From the intended to the real start: how late the generator was. */
  lateness: LatencySummary;
  /** CPU time of the whole agent process since the workload started. */
  cpuMs: number;
  /** Attempts by channelz's count over those that calls asked for: what transparent retry added. */
  transparentRetries: number;
};
