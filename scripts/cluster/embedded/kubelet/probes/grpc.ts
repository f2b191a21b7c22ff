// grpc.health.v1.Health/Check over node:http2. Not by grpc-js: that cannot connect from an address of one's choice, and
// each probe is a connection of its own.
import http2 from 'node:http2';
import { connect } from 'node:net';
import type { Bell } from '../waiting.ts';
import { failure, type ProbeResult, success } from './result.ts';
import { dialText, type From } from './tcp.ts';

const PATH = '/grpc.health.v1.Health/Check';
const FIRST_RETRY_MS = 1000;
const RETRY_GROWTH = 1.6;
const UNIMPLEMENTED = 12;
const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const codes = [
  ...['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists'],
  ...[
    'PermissionDenied',
    'ResourceExhausted',
    'FailedPrecondition',
    'Aborted',
    'OutOfRange',
    'Unimplemented',
  ],
  ...['Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'],
];

/**
 * The connection and the call share the time. One that is refused is tried again, as grpc-go does.
 *
 * @param from `news`: rings when there is more reason to try.
 */
export async function probeGrpc(from: From & { service: string; news: Bell }): Promise<ProbeResult> {
  const endMs = performance.now() + from.timeoutMs;
  const leftMs = () => endMs - performance.now();
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    const attempt = await check(from, Math.max(1, leftMs()));
    if (attempt !== 'unconnected') return attempt;
    const wait = Math.min(retryMs, leftMs());
    if (wait > 0) await from.news.wait(wait);
    retryMs *= RETRY_GROWTH;
    if (leftMs() <= 0) return failure(cannotConnect(from));
  }
}

const seconds = (ms: number) => `${ms / 1000}s`;
const cannotConnect = ({ host, port, timeoutMs }: From) =>
  `timeout: failed to connect service "${host}:${port}" within ${seconds(timeoutMs)}: context deadline exceeded`;

function check(from: From & { service: string }, timeoutMs: number): Promise<ProbeResult | 'unconnected'> {
  const { host, port, localAddress } = from;
  return new Promise((resolve) => {
    let isReady = false;
    const session = http2.connect(`http://${host}:${port}`, {
      createConnection: () => connect({ host, port, localAddress }),
    });
    const end = (result: ProbeResult | 'unconnected') => {
      clearTimeout(timer);
      session.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => {
      const inTime = `within ${seconds(from.timeoutMs)}`;
      end(failure(isReady ? `timeout: health rpc did not complete ${inTime}` : cannotConnect(from)));
    }, timeoutMs);
    session.on('error', (error: NodeJS.ErrnoException) => {
      if (!isReady) return end('unconnected');
      end(failure(rpcFailed(14, dialText(from, error))));
    });
    // grpc-go calls a connection ready when the server has sent its settings.
    session.once('remoteSettings', () => {
      isReady = true;
      call(session, from, end);
    });
    session.once('close', () =>
      end(isReady ? failure(rpcFailed(14, 'error reading from server: EOF')) : 'unconnected'),
    );
  });
}

const rpcFailed = (code: number, text: string) =>
  `error: health rpc probe failed: rpc error: code = ${codes[code] ?? code} desc = ${text}`;

function call(
  session: http2.ClientHttp2Session,
  { host, port, service }: From & { service: string },
  end: (result: ProbeResult) => void,
): void {
  const stream = session.request({
    ':method': 'POST',
    ':path': PATH,
    ':authority': `${host}:${port}`,
    'content-type': 'application/grpc',
    'user-agent': 'kube-probe/1.34 grpc-go',
    te: 'trailers',
  });
  let told: http2.IncomingHttpHeaders = {};
  const body: Buffer[] = [];
  stream.on('response', (headers) => {
    told = { ...told, ...headers };
  });
  stream.on('trailers', (trailers) => {
    told = { ...told, ...trailers };
  });
  stream.on('data', (chunk: Buffer) => body.push(chunk));
  stream.on('error', (error) => end(failure(rpcFailed(14, error.message))));
  stream.on('close', () => end(answer(told, Buffer.concat(body))));
  stream.end(request(service));
}

function answer(headers: http2.IncomingHttpHeaders, body: Buffer): ProbeResult {
  const status = headers['grpc-status'];
  if (status === undefined) {
    return failure(
      rpcFailed(2, `unexpected HTTP status code received from server: ${headers[':status'] ?? 'none'}`),
    );
  }
  const text = decoded(String(headers['grpc-message'] ?? ''));
  if (Number(status) === UNIMPLEMENTED) {
    return failure(
      `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${text}`,
    );
  }
  if (Number(status) !== 0) return failure(rpcFailed(Number(status), text));
  // One message of one field: its tag (field 1, varint) and the number; an empty one is 0.
  const said = body.length > 6 && body[5] === 8 ? (body[6] as number) : 0;
  const name = statuses[said] ?? String(said);
  return name === 'SERVING'
    ? success('service healthy')
    : failure(`service unhealthy (responded with "${name}")`);
}

/** As it is where it is not well encoded. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** HealthCheckRequest: field 1, a string. */
function request(service: string): Buffer {
  const name = Buffer.from(service);
  const length: number[] = [];
  for (let left = name.length; ; left >>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  const message = name.length > 0 ? Buffer.concat([Buffer.from([10, ...length]), name]) : Buffer.alloc(0);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}
