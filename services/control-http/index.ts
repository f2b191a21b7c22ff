// The HTTP side that greeter-server and greeter-client share: JSON in, JSON or a stream of lines out, one token.
export { parseAs } from './body.ts';
export { HttpError } from './http-error.ts';
export type { Route } from './router.ts';
export { listenForControl } from './server.ts';
