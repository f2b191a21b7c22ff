// All that grpc-kit uses of grpc-js's `experimental` namespace: registration of resolvers and policies. grpc-js may
// change it in any minor version, so it is named here and nowhere else; test/services/grpc-kit/grpc-js.test.ts says
// for which versions it holds.
import { type ChannelOptions, experimental } from '@grpc/grpc-js';

export const {
  registerResolver,
  registerLoadBalancerType,
  createChildChannelControlHelper,
  LeafLoadBalancer,
  UnavailablePicker,
  QueuePicker,
  PickResultType,
  statusOrFromValue,
  statusOrFromError,
  subchannelAddressToString,
  endpointToString,
} = experimental;

export type Resolver = experimental.Resolver;
export type ResolverListener = experimental.ResolverListener;
export type GrpcUri = experimental.GrpcUri;
export type Endpoint = experimental.Endpoint;
export type StatusOr<T> = experimental.StatusOr<T>;
export type LoadBalancer = experimental.LoadBalancer;
export type LeafLoadBalancer = experimental.LeafLoadBalancer;
export type ChannelControlHelper = experimental.ChannelControlHelper;
export type TypedLoadBalancingConfig = experimental.TypedLoadBalancingConfig;
export type Picker = experimental.Picker;
export type PickArgs = experimental.PickArgs;
export type PickResult = experimental.PickResult;

/**
 * Channel options and resolver attributes of grpc-kit's own. Under this prefix they are not part of a subchannel's
 * identity; without it each new value would open new connections.
 */
const OWN_PREFIX = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.grpc_kit`;

/** Resolver attribute: where each address is, a `Localities`. */
export const LOCALITIES = `${OWN_PREFIX}.localities`;

/**
 * Resolver attribute, `true` beside an error: the error says that there are no endpoints, not that they could not be
 * found out. Policies then let go of those that they have.
 */
export const NO_ENDPOINTS = `${OWN_PREFIX}.no_endpoints`;

/** Channel option: what a client tells its resolver and policy, a `ChannelContext`. */
export const CHANNEL_CONTEXT = `${OWN_PREFIX}.channel_context`;

export type Options = ChannelOptions;
