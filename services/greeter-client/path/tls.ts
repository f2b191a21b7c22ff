// Whether a port speaks TLS, and what its certificate says.
import { isIP } from 'node:net';
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import { nowMs, roundMs } from '../../common/clock.ts';
import type { AddressProbe } from '../../protocol/index.ts';

type Tls = NonNullable<AddressProbe['tls']>;

/**
 * A handshake as gRPC makes it, whatever the certificate; `trusted` is `yes`, or what verification would fail with, such
 * as SELF_SIGNED_CERT_IN_CHAIN or ERR_TLS_CERT_ALTNAME_INVALID.
 *
 * @param name that the certificate should be for: a name or an address.
 * @param ca whom to trust (PEM); undefined: whom Node does.
 * @param timeoutMs also how long the connection may take.
 */
export function probeTls(
  place: { address: string; port: number },
  name: string,
  ca: string | undefined,
  timeoutMs: number,
): Promise<Tls> {
  const startedMs = nowMs();
  return new Promise((resolve) => {
    const socket = connect({
      host: place.address,
      port: place.port,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
      checkServerIdentity: (_address, certificate) => checkServerIdentity(name, certificate),
      ...(isIP(name) === 0 && { servername: name }),
      ...(ca !== undefined && { ca }),
    });
    function answer(found: Omit<Tls, 'ms'>): void {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ms: roundMs(nowMs() - startedMs), ...found });
    }
    const timer = setTimeout(answer, timeoutMs, { error: 'ETIMEDOUT' });
    socket.once('secureConnect', () => answer(described(socket)));
    // Node's own: "Client network socket disconnected before secure TLS connection was established".
    socket.once('error', (error: NodeJS.ErrnoException) => answer({ error: error.code ?? error.message }));
  });
}

function described(socket: TLSSocket): Omit<Tls, 'ms'> {
  const certificate = socket.getPeerX509Certificate();
  return {
    // Of type Error in Node's types; it is a code, or a message.
    trusted: socket.authorized ? 'yes' : String(socket.authorizationError),
    ...(socket.alpnProtocol && { alpn: socket.alpnProtocol }),
    ...(certificate && {
      subject: certificate.subject.replaceAll('\n', ', '),
      validTo: certificate.validToDate.toISOString(),
      ...(certificate.subjectAltName !== undefined && { names: certificate.subjectAltName }),
    }),
  };
}
