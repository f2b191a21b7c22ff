// The API server: HTTPS on loopback. What a request may, and who answers it.
import type { IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { ApiError, badRequest, forbidden } from '../errors.ts';
import type { LogOptions } from '../log-options.ts';
import type { Addresses } from '../network/addresses.ts';
import type { Deployment } from '../objects.ts';
import type { Store } from '../store.ts';
import { createAccess } from './access.ts';
import { readBody } from './body.ts';
import { deleteMany, deleteOne } from './delete.ts';
import { discoveryDocument } from './discovery.ts';
import { openApiDocument, openApiIndex } from './openapi.ts';
import { proxyToPod } from './pod-proxy.ts';
import { listObjects, readObject, selection } from './read.ts';
import { isTrue, type ResourceRequest, resourceRequest } from './request.ts';
import { type Response, sendError, sendHead, sendJson, sendList, sendObject } from './respond.ts';
import { scaleOf } from './scale.ts';
import { watch } from './watch.ts';
import { createObject, patch, updateObject } from './write.ts';

/** The logs of a pod's container. @throws ApiError as Kubernetes does. */
export type ReadLogs = (namespace: string, pod: string, options: LogOptions) => Promise<Readable>;

export type ApiServerOptions = {
  store: Store;
  addresses: Addresses;
  tls: { key: string; cert: string };
  adminToken: string;
  /** 0 lets the system choose. */
  port: number;
  readLogs: ReadLogs;
  log: (text: string) => void;
};
export type ApiServer = Awaited<ReturnType<typeof startApiServer>>;

/** @throws Error with the system's code when the address is taken. */
export async function startApiServer(options: ApiServerOptions) {
  const { store, addresses, log } = options;
  const access = createAccess(store, options.adminToken);
  const stopping = new AbortController();
  const sockets = new Set<Socket>();
  const server = createSecureServer({ ...options.tls, allowHTTP1: true });
  server.on('secureConnection', (socket) => keep(socket));
  server.on('sessionError', () => {});
  server.on('request', (http2Request, http2Response) => {
    // The same to handlers as those of HTTP/1, which come here as well.
    const request = http2Request as unknown as IncomingMessage;
    const response = http2Response as unknown as Response;
    request.on('error', () => {});
    response.on('error', () => {});
    answer(request, response).catch((error: unknown) => sendError(response, error, log));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, addresses.api, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const hosts = new Set([`${addresses.api}:${port}`, `kubernetes.default.svc:${port}`]);

  function keep(socket: Socket): void {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  }

  async function answer(request: IncomingMessage, response: Response): Promise<void> {
    refuseBrowsers(request, hosts);
    const url = URL.parse(`https://host${request.url}`);
    if (!url) throw badRequest('the path cannot be read');
    const user = access.authenticate(request.headers);
    if (['/healthz', '/livez', '/readyz'].includes(url.pathname)) {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end('ok');
      return;
    }
    const document = request.method === 'GET' ? documentAt(url.pathname) : undefined;
    if (document !== undefined) {
      sendJson(response, 200, document);
      return;
    }
    const asked = resourceRequest(request.method ?? 'GET', url, request.headers);
    if (!asked) throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
    access.authorize(user, asked);
    await serve(asked, request, response);
  }

  async function serve(asked: ResourceRequest, request: IncomingMessage, response: Response): Promise<void> {
    const writer = { store, addresses };
    if (asked.subresource === 'proxy') {
      await proxyToPod(store, asked, addresses.api, request, response);
      return;
    }
    if (asked.subresource === 'log') {
      await sendLogs(asked, response);
      return;
    }
    switch (asked.verb) {
      case 'get': {
        const object = readObject(store, asked);
        sendObject(
          response,
          asked,
          asked.subresource === 'scale' ? (scaleOf(object as Deployment) as never) : object,
        );
        return;
      }
      case 'list':
        sendList(response, asked, listObjects(store, asked), store.version());
        return;
      case 'watch':
        watch(store, asked, selection(asked), response, { signal: stopping.signal, log });
        return;
      case 'create':
        sendObject(response, asked, createObject(writer, asked, await readBody(request)), 201);
        return;
      case 'update':
      case 'patch': {
        const was = store.get(asked.resource.name, asked.namespace, asked.name);
        const body = await readBody(request);
        const object =
          asked.verb === 'update' ? updateObject(writer, asked, body) : patch(writer, asked, body);
        const shown = asked.subresource === 'scale' ? (scaleOf(object as Deployment) as never) : object;
        sendObject(response, asked, shown, was ? 200 : 201);
        return;
      }
      case 'delete':
        sendJson(response, 200, deleteOne(store, asked, await readBody(request)));
        return;
      case 'deletecollection':
        sendList(response, asked, deleteMany(store, asked, await readBody(request)), store.version());
        return;
    }
  }

  async function sendLogs({ namespace, name, query }: ResourceRequest, response: Response): Promise<void> {
    const logs = await options.readLogs(namespace, name, logOptions(query));
    sendHead(response, 200, { 'content-type': 'text/plain' });
    logs.on('error', () => response.destroy());
    response.once('close', () => logs.destroy());
    logs.pipe(response);
  }

  return {
    port,
    /** The token of a service account. */
    tokenFor: access.tokenFor,
    async stop(): Promise<void> {
      stopping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Watches have been told that they end; whoever does not hang up is hung up on.
      setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, 100).unref();
      await closed;
    },
  };
}

/**
 * A web page cannot send the token, but it can make a browser send requests: those carry an Origin, or, where DNS is
 * made to lead here (rebinding), another host.
 */
function refuseBrowsers(request: IncomingMessage, hosts: ReadonlySet<string>): void {
  const { ':authority': authority, host } = request.headers;
  const asked = String(authority ?? host ?? '');
  if (!hosts.has(asked)) throw forbidden(`this server is not "${asked}"`);
  if (request.headers.origin !== undefined) throw forbidden('requests from web pages are refused');
}

function documentAt(path: string): unknown {
  if (path === '/openapi/v3') return openApiIndex();
  if (path.startsWith('/openapi/v3/')) return openApiDocument(path.slice('/openapi/v3/'.length));
  return discoveryDocument(path);
}

function logOptions(query: URLSearchParams): LogOptions {
  const number = (name: string): Record<string, number> => {
    const text = query.get(name);
    if (text === null) return {};
    if (!/^\d+$/.test(text)) throw badRequest(`${name}: Invalid value: "${text}": must be a whole number`);
    return { [name]: Number(text) };
  };
  const container = query.get('container');
  const sinceTime = query.get('sinceTime');
  return {
    ...(container ? { container } : {}),
    ...(sinceTime ? { sinceTime } : {}),
    previous: isTrue(query.get('previous')),
    follow: isTrue(query.get('follow')),
    timestamps: isTrue(query.get('timestamps')),
    ...number('tailLines'),
    ...number('sinceSeconds'),
    ...number('limitBytes'),
  };
}
