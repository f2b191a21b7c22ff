import { PREFER_SAME_NODE, ROUND_ROBIN } from '../policy/index.ts';
import type { ClientOptions, HedgingOptions, RetryOptions } from './options.ts';

/** The JSON of gRPC's service config. @throws Error when retry and hedging are both asked for. */
export function serviceConfig(options: ClientOptions, service: string): string {
  const { retry, hedging, throttling } = options;
  if (retry && hedging) throw new Error('grpc-kit: a call is retried or hedged, not both: leave one out');
  return JSON.stringify({
    loadBalancingConfig: [policy(options)],
    methodConfig: [
      ...(retry ? [retryConfig(retry === true ? {} : retry, service)] : []),
      ...(hedging ? [hedgingConfig(hedging, service)] : []),
    ],
    ...(throttling && { retryThrottling: throttling }),
  });
}

function policy({ policy = 'round_robin', locality = {} }: ClientOptions): object {
  if (policy === 'pick_first') return { pick_first: {} };
  if (policy === 'round_robin') return { [ROUND_ROBIN]: {} };
  const node = locality.node ?? process.env.NODE_NAME;
  return { [PREFER_SAME_NODE]: { ...locality, ...(node ? { node } : {}) } };
}

function retryConfig(retry: RetryOptions, service: string): object {
  return {
    name: names(retry.methods, service),
    retryPolicy: {
      maxAttempts: retry.maxAttempts ?? 3,
      initialBackoff: duration(retry.initialBackoffMs ?? 50),
      maxBackoff: duration(retry.maxBackoffMs ?? 1000),
      backoffMultiplier: retry.backoffMultiplier ?? 2,
      retryableStatusCodes: retry.codes ?? ['UNAVAILABLE'],
    },
  };
}

function hedgingConfig(hedging: HedgingOptions, service: string): object {
  return {
    name: names(hedging.methods, service),
    hedgingPolicy: {
      maxAttempts: hedging.maxAttempts ?? 2,
      hedgingDelay: duration(hedging.delayMs ?? 100),
      nonFatalStatusCodes: hedging.nonFatalCodes ?? ['UNAVAILABLE'],
    },
  };
}

/** Without methods the empty name, which is every method: clients of other services can then share the channel. */
function names(methods: readonly string[] | undefined, service: string): object[] {
  return methods?.map((method) => ({ service, method })) ?? [{}];
}

/** Never more than nine digits, nor an exponent: grpc-js refuses both. */
function duration(ms: number): string {
  return `${(ms / 1000).toFixed(9)}s`;
}
