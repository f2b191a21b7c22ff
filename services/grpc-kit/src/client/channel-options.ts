import type { ChannelOptions } from '@grpc/grpc-js';
import { clientTlsOptions } from '../tls.ts';
import type { ClientOptions } from './options.ts';
import { serviceConfig } from './service-config.ts';

/** grpc-js gives up after 5 attempts whatever a policy says, unless it is told otherwise. */
const GRPC_JS_MAX_ATTEMPTS = 5;

/** What grpc-js is told of a client's options. */
export function channelOptions(options: ClientOptions, service: string): ChannelOptions {
  const { keepalive, idleMs, retry, hedging } = options;
  const attempts = (typeof retry === 'object' ? retry : hedging)?.maxAttempts ?? 0;
  return {
    'grpc.service_config': serviceConfig(options, service),
    // Sharing is by channel here. In a pool of its own a channel leaves nothing behind when it is closed.
    'grpc.use_local_subchannel_pool': 1,
    // The configuration is the client's: a TXT record has no say, and need not be asked for.
    'grpc.service_config_disable_resolution': 1,
    ...clientTlsOptions(typeof options.tls === 'object' ? options.tls : undefined),
    ...(keepalive && {
      'grpc.keepalive_time_ms': keepalive.timeMs,
      'grpc.keepalive_timeout_ms': keepalive.timeoutMs ?? 20_000,
      'grpc.keepalive_permit_without_calls': (keepalive.withoutCalls ?? true) ? 1 : 0,
    }),
    ...(idleMs !== undefined && { 'grpc.client_idle_timeout_ms': idleMs }),
    ...(attempts > GRPC_JS_MAX_ATTEMPTS && { 'grpc-node.retry_max_attempts_limit': attempts }),
    ...options.channelOptions,
  };
}
