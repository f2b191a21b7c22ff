// A bare HTTP/2 client: what a server does on the wire, without a gRPC client that reacts to it.
import { type ClientHttp2Session, connect, type SecureClientSessionOptions } from 'node:http2';

export type Wire = AsyncDisposable & {
  session: ClientHttp2Session;
  goaways: { code: number; data: string; atMs: number }[];
  pings: number;
  closed: boolean;
  /** Sends a ping. @returns whether it was answered. */
  ping: () => Promise<boolean>;
  /** One gRPC call of any method with an empty message. @returns its grpc-status. */
  call: (path: string, message?: string) => Promise<string>;
  /** A call that stays open: each message is sent, and something that comes back waited for. */
  chat: (path: string) => (message: string) => Promise<void>;
};

export async function connectWire(target: string, options: SecureClientSessionOptions = {}): Promise<Wire> {
  const startMs = performance.now();
  const session = connect(`${options.ca ? 'https' : 'http'}://${target}`, options);
  const wire: Wire = {
    session,
    goaways: [],
    pings: 0,
    closed: false,
    ping: () =>
      new Promise((resolve) => {
        try {
          if (!session.ping((error) => resolve(error === null))) resolve(false);
        } catch {
          resolve(false);
        }
      }),
    call: (path, message = '{"text":"hi"}') => call(session, path, message),
    chat: (path) => {
      const stream = session.request(headers(path));
      stream.on('error', () => {});
      return (message) => {
        const answered = new Promise<void>((resolve) => stream.once('data', () => resolve()));
        stream.write(frame(message));
        return answered;
      };
    },
    async [Symbol.asyncDispose]() {
      session.destroy();
    },
  };
  session.on('goaway', (code, _last, data) => {
    wire.goaways.push({
      code,
      data: data ? String(Buffer.from(data as Uint8Array)) : '',
      atMs: performance.now() - startMs,
    });
  });
  session.on('ping', () => {
    wire.pings += 1;
  });
  session.on('close', () => {
    wire.closed = true;
  });
  session.on('error', () => {});
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  return wire;
}

function call(session: ClientHttp2Session, path: string, message: string): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.request(headers(path));
    let answered = 'none';
    const note = (headers: Record<string, unknown>) => {
      if (headers['grpc-status'] !== undefined) answered = String(headers['grpc-status']);
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('error', () => {});
    stream.on('close', () => resolve(answered));
    stream.resume();
    stream.end(frame(message));
  });
}

const headers = (path: string) => ({
  ':method': 'POST',
  ':path': path,
  'content-type': 'application/grpc',
  te: 'trailers',
});

/** A message as gRPC sends it: not compressed, with its length. */
function frame(message: string): Buffer {
  const body = Buffer.from(message);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}
