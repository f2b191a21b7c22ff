// Certificates and keys, for both sides of a connection.
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ChannelCredentials, type ChannelOptions, ServerCredentials } from '@grpc/grpc-js';

/**
 * PEM, or the path of a file that has it: a string without "-----BEGIN" is a path. Files are read once, when the
 * server or client is made; a certificate that is renewed later takes a restart.
 */
export type Pem = string | Uint8Array;

export type ServerTls = {
  /** The server's certificate, followed by the intermediate ones if there are any. */
  cert: Pem;
  key: Pem;
  /** Authorities of clients. With it (mTLS) a client needs a certificate that one of them has signed. */
  ca?: Pem;
};

export type ClientTls = {
  /** Authorities of servers. Default: those that Node.js comes with. */
  ca?: Pem;
  /** The client's certificate, for servers that want one; with `key`. */
  cert?: Pem;
  key?: Pem;
  /**
   * The name that the server's certificate has to be for, and that is sent as SNI and `:authority`. Default: the host
   * in the target; a target of IP addresses needs it where the certificate is for a name.
   */
  serverName?: string;
};

/**
 * What a server listens with: TLS, mTLS with `ca`, or HTTP/2 in clear without `tls`.
 *
 * @throws Error when a file cannot be read, or certificate and key cannot be used.
 */
export function serverCredentials(tls: ServerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const cert = read('cert', tls.cert);
  const key = read('key', tls.key);
  const ca = tls.ca === undefined ? null : read('ca', tls.ca);
  // grpc-js would find out when the first address is bound, and say no more than that it could not be.
  usable(() => createSecureContext({ cert, key, ...(ca && { ca }) }));
  return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], ca !== null);
}

/**
 * What a client connects with: TLS, mTLS with `cert` and `key`, or HTTP/2 in clear without `tls`. `serverName` is not
 * part of it: that takes `clientTlsOptions` too.
 *
 * @throws Error when a file cannot be read, one of `cert` and `key` is missing, or they cannot be used.
 */
export function clientCredentials(tls: ClientTls | undefined): ChannelCredentials {
  if (tls === undefined) return ChannelCredentials.createInsecure();
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new Error('grpc-kit: tls: cert and key go together');
  }
  const optional = (name: string, pem: Pem | undefined) => (pem === undefined ? null : read(name, pem));
  return usable(() =>
    ChannelCredentials.createSsl(
      optional('ca', tls.ca),
      optional('key', tls.key),
      optional('cert', tls.cert),
    ),
  );
}

/** The channel options that go with `clientCredentials`. */
export function clientTlsOptions(tls: ClientTls | undefined): ChannelOptions {
  if (tls?.serverName === undefined) return {};
  return { 'grpc.ssl_target_name_override': tls.serverName, 'grpc.default_authority': tls.serverName };
}

function read(name: string, pem: Pem): Buffer {
  if (typeof pem !== 'string') return Buffer.from(pem);
  if (pem.includes('-----BEGIN')) return Buffer.from(pem);
  try {
    return readFileSync(pem);
  } catch (error) {
    throw new Error(`grpc-kit: tls: cannot read ${name}: ${(error as Error).message}`, { cause: error });
  }
}

function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if ((error as Error).message.startsWith('grpc-kit: ')) throw error;
    throw new Error(`grpc-kit: tls: certificate, key or ca cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
