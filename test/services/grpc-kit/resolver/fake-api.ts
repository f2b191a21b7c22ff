// The EndpointSlice API of one namespace, with the ways in which a real one fails: goes away, cuts watches, forgets old
// versions, refuses tokens, is silent.
import { writeFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type {
  EndpointSlice,
  SliceEndpoint,
} from '../../../../services/grpc-kit/src/resolver/kubernetes/endpoints.ts';

export const NAMESPACE = 'shop';
const SERVICE = 'greeter';

export type Request = {
  kind: 'list' | 'watch';
  query: URLSearchParams;
  token: string | undefined;
  atMs: number;
};

/** What becomes of a request instead of its proper answer. */
export type Answer =
  | 'hang'
  | { status: number; message: string; headers?: Record<string, string> }
  | ErrorEvent;

/** A watch that is answered, and then says that it failed. */
type ErrorEvent = { errorEvent: { code: number; message: string } };

export type FakeApi = Awaited<ReturnType<typeof fakeApi>>;

export async function fakeApi({ tls }: { tls?: { cert: string; key: string } } = {}) {
  const slices = new Map<string, EndpointSlice>();
  const log: { version: number; type: string; object: EndpointSlice }[] = [];
  const requests: Request[] = [];
  const sockets = new Set<Socket>();
  const watches = new Set<ServerResponse>();
  const state = {
    version: 100,
    /** Versions before this are gone. */
    oldest: 0,
    token: undefined as string | undefined,
    list: undefined as Answer | undefined,
    watch: undefined as Answer | undefined,
  };
  let server: http.Server | undefined;
  let port = 0;

  function record(type: string, object: EndpointSlice): void {
    state.version += 1;
    const versioned = { ...object, metadata: { ...object.metadata, resourceVersion: `${state.version}` } };
    if (type === 'DELETED') slices.delete(nameOf(object));
    else slices.set(nameOf(object), versioned);
    const event = { version: state.version, type, object: versioned };
    log.push(event);
    for (const watch of watches) send(watch, event);
  }

  function send(watch: ServerResponse, { type, object }: { type: string; object: unknown }): void {
    watch.write(`${JSON.stringify({ type, object })}\n`);
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://api');
    const query = url.searchParams;
    const kind = query.get('watch') === 'true' ? 'watch' : 'list';
    const token = request.headers.authorization?.replace('Bearer ', '');
    requests.push({ kind, query, token, atMs: performance.now() });
    const answer = state[kind];
    const from = Number(query.get('resourceVersion'));
    if (url.pathname !== `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`) {
      refuse(response, 404, `nothing at ${url.pathname}`);
    } else if (state.token !== undefined && token !== state.token) {
      refuse(response, 401, 'Unauthorized');
    } else if (answer === 'hang') {
      // Forever.
    } else if (answer && 'status' in answer) {
      refuse(response, answer.status, answer.message, answer.headers);
    } else if (kind === 'list') {
      list(query, response);
    } else if (from < state.oldest) {
      refuse(response, 410, `too old resource version: ${from} (${state.oldest})`);
    } else {
      watch(from, response, answer);
    }
  }

  function list(query: URLSearchParams, response: ServerResponse): void {
    const selected = query.get('labelSelector') === `kubernetes.io/service-name=${SERVICE}`;
    // As Go does: an empty list is null.
    const items = selected && slices.size > 0 ? [...slices.values()] : null;
    response.end(JSON.stringify({ metadata: { resourceVersion: `${state.version}` }, items }));
  }

  function watch(from: number, response: ServerResponse, failure?: ErrorEvent): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (failure) {
      send(response, { type: 'ERROR', object: { kind: 'Status', ...failure.errorEvent } });
      response.end();
      return;
    }
    watches.add(response);
    response.on('close', () => watches.delete(response));
    for (const event of log) if (event.version > from) send(response, event);
  }

  const api = {
    state,
    requests,
    sockets,
    watches,
    get url() {
      return `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
    },
    lists: () => requests.filter(({ kind }) => kind === 'list').length,

    /** Adds or replaces slices. */
    put(...changed: EndpointSlice[]): void {
      for (const slice of changed) record(slices.has(nameOf(slice)) ? 'MODIFIED' : 'ADDED', slice);
    },
    remove(name: string): void {
      const slice = slices.get(name);
      if (slice) record('DELETED', slice);
    },
    bookmark(): void {
      state.version += 1;
      const object = { kind: 'EndpointSlice', metadata: { resourceVersion: `${state.version}` } };
      for (const watch of watches) send(watch, { type: 'BOOKMARK', object });
    },
    /** Sends watches what is no line, or more than one. */
    sendRaw(text: string | Buffer): void {
      for (const watch of watches) watch.write(text);
    },
    /** Connections break in the middle. */
    cut(): void {
      for (const socket of sockets) socket.destroy();
    },
    /** Watches end as they do when their time is over. */
    endWatches(): void {
      for (const watch of watches) watch.end();
    },
    /** Watches from before now are refused with 410. */
    expire(): void {
      state.version += 1;
      state.oldest = state.version;
    },
    async start(): Promise<void> {
      const created = tls ? https.createServer(tls, handle) : http.createServer(handle);
      created.on('connection', (socket: Socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        socket.on('error', () => {});
      });
      await new Promise<void>((resolve) => created.listen(port, '127.0.0.1', resolve));
      port = (created.address() as AddressInfo).port;
      server = created;
    },
    /** The API is away: its connections are reset, and its port refuses others. `start` brings it back to the same. */
    async stop(): Promise<void> {
      const closed = new Promise((resolve) => server?.close(resolve));
      for (const socket of sockets) socket.resetAndDestroy();
      await closed;
    },
    /** @returns the path of a kubeconfig for it. */
    kubeconfig(
      folder: string,
      { user = {}, cluster = {} }: { user?: object; cluster?: object } = {},
    ): string {
      const path = join(folder, `kubeconfig-${port}`);
      const content = {
        'current-context': 'fake',
        clusters: [{ name: 'fake', cluster: { server: api.url, ...cluster } }],
        users: [{ name: 'fake', user }],
        contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake', namespace: NAMESPACE } }],
      };
      writeFileSync(path, stringify(content));
      return path;
    },
    [Symbol.asyncDispose]: () => api.stop(),
  };
  await api.start();
  return api;
}

function refuse(response: ServerResponse, code: number, message: string, headers = {}): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', code, message }));
}

const nameOf = ({ metadata }: EndpointSlice): string => metadata?.name ?? '';

/** A slice of ready endpoints, `10.0.0.1` or as it is written, at port 50051 which is called grpc. */
export function slice(
  name: string,
  endpoints: (string | SliceEndpoint)[],
  more: Partial<EndpointSlice> = {},
): EndpointSlice {
  return {
    metadata: { name },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 50051, protocol: 'TCP' }],
    endpoints: endpoints.map((endpoint) => (typeof endpoint === 'string' ? pod(endpoint) : endpoint)),
    ...more,
  };
}

export function pod(address: string, more: Partial<SliceEndpoint> = {}): SliceEndpoint {
  return {
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: 'node-a',
    zone: 'zone-a',
    targetRef: { uid: `uid-${address}` },
    ...more,
  };
}
