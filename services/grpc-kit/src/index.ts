// gRPC on Kubernetes: clients that find new pods and leave old ones, servers that go without a failed call.
export * from './client/index.ts';
export type { Logger } from './logger.ts';
export { registerPolicies } from './policy/index.ts';
export type { AddressUpdate } from './resolver/context.ts';
export { registerResolvers } from './resolver/index.ts';
export type { KubernetesOptions } from './resolver/kubernetes/api-config.ts';
export type { Locality } from './resolver/localities.ts';
export * from './server/index.ts';
export type { ClientTls, ServerTls } from './tls.ts';
