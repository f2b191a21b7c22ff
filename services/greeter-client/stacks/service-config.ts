import type { HedgingPolicy, RetryPolicy, WorkloadSpec } from '../../protocol/index.ts';

type Configured = Pick<WorkloadSpec, 'policy' | 'retry' | 'hedging' | 'throttling'>;

/** gRPC's service config, as the JSON that the channel option `grpc.service_config` takes. */
export function serviceConfig({ policy, retry, hedging, throttling }: Configured): string {
  return JSON.stringify({
    loadBalancingConfig: [{ [policy]: {} }],
    methodConfig: [
      {
        name: [{ service: 'greet.Greeter' }],
        ...(retry && { retryPolicy: retryPolicy(retry) }),
        ...(hedging && { hedgingPolicy: hedgingPolicy(hedging) }),
      },
    ],
    ...(throttling && { retryThrottling: throttling }),
  });
}

function retryPolicy(retry: RetryPolicy) {
  return {
    maxAttempts: retry.maxAttempts,
    initialBackoff: duration(retry.initialBackoffMs),
    maxBackoff: duration(retry.maxBackoffMs),
    backoffMultiplier: retry.backoffMultiplier,
    retryableStatusCodes: retry.retryableStatusCodes,
  };
}

function hedgingPolicy(hedging: HedgingPolicy) {
  return {
    maxAttempts: hedging.maxAttempts,
    hedgingDelay: duration(hedging.hedgingDelayMs),
    nonFatalStatusCodes: hedging.nonFatalStatusCodes,
  };
}

/** Never more than nine digits, nor an exponent: grpc-js refuses both. */
function duration(ms: number): string {
  return `${(ms / 1000).toFixed(9)}s`;
}
