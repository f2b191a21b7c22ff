import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readJson } from './body.ts';
import { HttpError } from './http-error.ts';
import { findRoute, type Route } from './router.ts';
import { tokenCheck } from './token.ts';

export type ControlServer = { port: number; close: () => void };

/** Serves the routes; `close` cuts what is still open. @throws when the port is taken. */
export async function listenForControl(options: {
  host: string;
  port: number;
  token: string;
  routes: readonly Route[];
}): Promise<ControlServer> {
  const checkToken = tokenCheck(options.token);
  const server = createServer((request, response) => {
    respond(options.routes, checkToken, request, response).catch((error: unknown) => {
      sendError(response, error);
    });
  });
  // Longer than the API server's pod proxy keeps an idle connection, so that it never sends into one just closed.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function respond(
  routes: readonly Route[],
  checkToken: (request: IncomingMessage) => void,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = URL.parse(`http://control${request.url}`);
  if (!url) throw new HttpError(400, `not a path: ${request.url}`);
  const open = routes.some((route) => route.open && route.path === url.pathname);
  if (!open) checkToken(request);
  const { route, params } = findRoute(routes, request.method ?? 'GET', url.pathname);
  const body = request.method === 'GET' ? {} : await readJson(request);
  const controlRequest = { params, query: url.searchParams, body };
  if ('stream' in route) {
    response.setHeader('content-type', 'application/x-ndjson');
    route.stream(controlRequest, response);
    return;
  }
  const answer = await route.answer(controlRequest);
  sendJson(response, answer.status ?? 200, answer.body);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const status = error instanceof HttpError ? error.status : 500;
  sendJson(response, status, { error: error instanceof Error ? error.message : String(error) });
}
