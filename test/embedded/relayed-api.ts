// A relay before a cluster's API, for whoever dials it by HTTP, that can go wrong as APIs do.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import type { connect } from '../../scripts/cluster/index.ts';

type Api = ReturnType<typeof connect>;

export type RelayedApi = Awaited<ReturnType<typeof relayedApi>>;

/** @param folder where kubeconfig and token are written. */
export async function relayedApi({ kubeConfig }: Api, folder: string) {
  const tls: Record<string, unknown> = {};
  await kubeConfig.applyToHTTPSOptions(tls);
  const { server: upstream } = kubeConfig.getCurrentCluster() ?? { server: '' };
  const tokenFile = join(folder, 'token');
  const kubeconfig = join(folder, 'kubeconfig');
  const requests = { lists: 0, watches: 0, refused: 0 };
  let token = 'first';
  let isGone = false;
  let port = 0;
  const relay = createServer((asked, answer) => {
    const isWatch = new URL(asked.url ?? '', 'http://relay').searchParams.get('watch') === 'true';
    requests[isWatch ? 'watches' : 'lists'] += 1;
    if (asked.headers.authorization !== `Bearer ${token}`) refuse(answer, 401, 'Unauthorized');
    else if (isGone && isWatch) refuse(answer, 410, 'Expired');
    else forward(asked, answer);
  });

  function refuse(answer: ServerResponse, code: number, reason: string): void {
    requests.refused += 1;
    answer.writeHead(code, { 'content-type': 'application/json' });
    answer.end(JSON.stringify({ kind: 'Status', status: 'Failure', code, reason, message: reason }));
  }

  function forward({ url = '', method }: IncomingMessage, answer: ServerResponse): void {
    const sent = request(new URL(url, upstream), { ...tls, method, agent: false }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, { 'content-type': 'application/json' });
      // Of a watch nothing else comes before something changes.
      answer.flushHeaders();
      answered.pipe(answer);
    });
    sent.on('error', () => answer.destroy());
    answer.on('close', () => sent.destroy());
    sent.end();
  }

  async function listen(): Promise<void> {
    relay.listen(port, '127.0.0.1');
    await once(relay, 'listening');
    ({ port } = relay.address() as AddressInfo);
  }

  const sockets = new Set<Socket>();
  relay.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  async function goAway(): Promise<void> {
    relay.close();
    for (const socket of sockets) socket.resetAndDestroy();
    await once(relay, 'close');
  }

  await listen();
  await writeFile(tokenFile, token);
  // YAML takes JSON.
  await writeFile(
    kubeconfig,
    JSON.stringify({
      'current-context': 'relayed',
      clusters: [{ name: 'relayed', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'relayed', user: { tokenFile } }],
      contexts: [{ name: 'relayed', context: { cluster: 'relayed', user: 'relayed' } }],
    }),
  );
  return {
    kubeconfig,
    requests,
    /** Every connection, watches among them. */
    cut: () => relay.closeAllConnections(),
    /** Connections are reset, and nothing listens. */
    goAway,
    comeBack: listen,
    /** Watches are answered with 410, as when they begin at what the API has forgotten. */
    setGone: (gone: boolean) => {
      isGone = gone;
    },
    /** What was taken for a token is so no longer; the new one is not in the file before `rotateFile`. */
    revokeToken: () => {
      token = 'second';
    },
    rotateFile: () => writeFile(tokenFile, token),
    [Symbol.asyncDispose]: async () => {
      if (relay.listening) await goAway();
    },
  };
}
