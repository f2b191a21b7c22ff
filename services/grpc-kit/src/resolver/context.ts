import type { Options } from '../grpc-experimental.ts';
import { RESOLVER_CONTEXT } from '../grpc-experimental.ts';
import { defaultLogger, type Logger } from '../logger.ts';
import type { KubernetesOptions } from './kubernetes/api-config.ts';

/** What a channel's resolver and policy are told beside grpc-js's own options. */
export type ResolverContext = {
  target?: string;
  logger: Logger;
  kubernetes?: KubernetesOptions;
  onAddresses?: (update: AddressUpdate) => void;
};

/** What a channel was given to connect to: so many endpoints, or none and why. */
export type AddressUpdate = { endpoints: number; error?: string };

/** A channel that was not made by `createClient` has none: then the defaults. */
export function resolverContext(channelOptions: Options): ResolverContext {
  return (channelOptions[RESOLVER_CONTEXT] as ResolverContext | undefined) ?? { logger: defaultLogger };
}
