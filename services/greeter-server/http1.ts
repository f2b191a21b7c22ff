// A server, or a proxy in front of one, that speaks HTTP/1.1 only, where calls are expected.
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

const BODY = 'HTTP/2 is needed for gRPC\n';

/** Answers 426 to every request; to what Node cannot read as one, such as HTTP/2's preface, too. */
export async function serveHttp1(options: {
  host: string;
  port: number;
  tls?: { cert: string; key: string };
}) {
  const server = options.tls ? createTlsServer(options.tls) : createServer();
  let opened = 0;
  let open = 0;
  server.on('request', (_request, response) => {
    response.writeHead(426, { connection: 'upgrade', upgrade: 'h2c', 'content-type': 'text/plain' });
    response.end(BODY);
  });
  server.on('clientError', (_error, socket) => {
    socket.end(
      `HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    );
  });
  server.on('connection', (socket) => {
    opened += 1;
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => ({ open, opened }),
    async close(): Promise<void> {
      server.close();
      server.closeAllConnections();
    },
  };
}
