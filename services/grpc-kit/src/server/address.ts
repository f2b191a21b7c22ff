/** As grpc-js takes it: `0.0.0.0:50051`, `[::]:50051`. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The side of a socket that is here. */
export type LocalEnd = { localAddress?: string | undefined; localPort?: number | undefined };

/**
 * Tells connections of the server that listens on `host` and `port` from all others of this process. (A host that is
 * a name goes by its port alone.)
 */
export function isBoundTo(host: string, port: number): (socket: LocalEnd) => boolean {
  const anyAddress = host === '0.0.0.0' || host === '::' || !/^[\d.]+$|:/.test(host);
  return ({ localAddress, localPort }) => localPort === port && (anyAddress || localAddress === host);
}
