// Hosts gRPC services on Kubernetes: health that follows the application, connections of limited age, and a drain upon
// SIGTERM that loses no call.
export type { DrainOptions, DrainPhase } from './drain.ts';
export type { Health } from './health.ts';
export type { ConnectionOptions, ServeOptions } from './options.ts';
export type { Readiness } from './readiness.ts';
export { type StartedServer, serve } from './serve.ts';
export type { Handler, HostedServices, Implementation } from './types.ts';
