import type { RetryPolicy, WorkloadSpec } from '../../protocol/index.ts';

/** gRPC's service config, as the JSON that the channel option `grpc.service_config` takes. */
export function serviceConfig({ policy, retry }: Pick<WorkloadSpec, 'policy' | 'retry'>): string {
  return JSON.stringify({
    loadBalancingConfig: [{ [policy]: {} }],
    methodConfig: [
      { name: [{ service: 'greet.Greeter' }], ...(retry && { retryPolicy: retryPolicy(retry) }) },
    ],
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

/** All nine digits: grpc-js reads the fraction as a number of nanoseconds, so 0.2s would be 2 ns. */
function duration(ms: number): string {
  return `${(ms / 1000).toFixed(9)}s`;
}
