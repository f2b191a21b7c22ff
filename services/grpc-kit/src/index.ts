// gRPC on Kubernetes: clients that find new pods and leave old ones, servers that go without a failed call.

export type { AddressUpdate } from './channel-context.ts';
export * from './client/index.ts';
export type { Logger } from './logger.ts';
export { registerPolicies } from './policy/index.ts';
export { registerResolvers } from './resolver/index.ts';
export type { KubernetesOptions } from './resolver/kubernetes/api-config.ts';
export type { Locality } from './resolver/localities.ts';
export * from './server/index.ts';
export type { ClientTls, ServerTls } from './tls.ts';
