// Typed clients.
export { createClient, type KitClient } from './create-client.ts';
export type {
  ClientOptions,
  HedgingOptions,
  RetryOptions,
  StatusName,
  ThrottlingOptions,
} from './options.ts';
export type { CallEnd, CallOptions } from './types.ts';
