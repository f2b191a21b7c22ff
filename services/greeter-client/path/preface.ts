// What stands behind a port, by its answer to the first bytes of HTTP/2 in the clear.
import { connect } from 'node:net';
import type { AddressProbe } from '../../protocol/index.ts';

type Preface = NonNullable<AddressProbe['preface']>;

/** The connection preface and an empty SETTINGS frame. Source: RFC 9113, 3.4 and 6.5. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const FRAME_HEADER_BYTES = 9;
const SETTINGS = 4;
const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;
const MOST_SHOWN = 80;

/** @param timeoutMs also how long the connection may take. */
export function probePreface(address: string, port: number, timeoutMs: number): Promise<Preface> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    let received = Buffer.alloc(0);
    function answer(withoutBytes: 'closed' | 'silent'): void {
      clearTimeout(timer);
      socket.destroy();
      resolve(received.length === 0 ? { saw: withoutBytes } : classify(received));
    }
    const timer = setTimeout(answer, timeoutMs, 'silent');
    socket.once('connect', () => socket.write(PREFACE));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= FRAME_HEADER_BYTES) answer('closed');
    });
    socket.once('end', () => answer('closed'));
    socket.once('error', () => answer('closed'));
  });
}

/** @param bytes the first of the answer; less than a frame's header only where there are no more. */
export function classify(bytes: Buffer): Preface {
  if (isSettings(bytes)) return { saw: 'http2' };
  const firstBytes = printable(bytes);
  // A server that takes the request for one of HTTP/0.9 answers with nothing but a page: Python's http.server does.
  if (/^(HTTP\/[01]\.|<(!doctype|html))/i.test(firstBytes)) return { saw: 'http1', firstBytes };
  if ((bytes[0] === TLS_ALERT || bytes[0] === TLS_HANDSHAKE) && bytes[1] === 3) return { saw: 'tls' };
  return { saw: 'other', firstBytes };
}

/** A server's preface is a SETTINGS frame: of stream 0, with entries of six bytes. Source: RFC 9113, 3.4 and 6.5. */
function isSettings(bytes: Buffer): boolean {
  if (bytes.length < FRAME_HEADER_BYTES) return false;
  return bytes.readUIntBE(0, 3) % 6 === 0 && bytes[3] === SETTINGS && bytes.readUInt32BE(5) === 0;
}

const printable = (bytes: Buffer): string =>
  bytes
    .subarray(0, MOST_SHOWN)
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]/g, '.');
