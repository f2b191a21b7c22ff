import { CHANNEL_CONTEXT, type Options } from './grpc-experimental.ts';
import { defaultLogger, type Logger } from './logger.ts';
import type { KubernetesOptions } from './resolver/kubernetes/api-config.ts';

/** What a channel's resolver and policy are told beside grpc-js's own options. */
export type ChannelContext = {
  target?: string;
  logger: Logger;
  kubernetes?: KubernetesOptions;
  onAddresses?: (update: AddressUpdate) => void;
  learned: Learned;
};

/** What a policy has learned and said of a target. It outlives the policy: grpc-js destroys that when its channel is idle. */
export type Learned = { zoneOfOwnNode?: string | undefined; saidWhyFlat?: boolean };

/** What a channel was given to connect to: so many endpoints, or none and why. */
export type AddressUpdate = { endpoints: number; error?: string };

/** A channel that was not made by `createClient` has none: then the defaults. */
export function channelContext(channelOptions: Options): ChannelContext {
  return (
    (channelOptions[CHANNEL_CONTEXT] as ChannelContext | undefined) ?? { logger: defaultLogger, learned: {} }
  );
}
