// Answers: JSON, a table where kubectl asks for one, and every refusal as a Status.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { ApiError } from '../errors.ts';
import type { KubeObject } from '../objects.ts';
import { apiVersionOf, type Resource } from '../resources.ts';
import type { ResourceRequest } from './request.ts';
import { includeOf, type Table, tableOf } from './table.ts';

/** Also of HTTP/2, whose answers have all of it that is used here. */
export type Response = ServerResponse;

/** Sends the head before there is a body; HTTP/2 always does. */
export function sendHead(response: Response, code: number, headers: OutgoingHttpHeaders): void {
  response.writeHead(code, headers);
  response.flushHeaders?.();
}

export function sendJson(response: Response, code: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** kubectl's own columns are the server's: it asks for a Table where a person will read. */
export const wantsTable = ({ headers }: ResourceRequest): boolean =>
  (headers.accept ?? '').split(',').some((type) => type.includes('as=Table'));

/** With as much of each object as is asked for. */
export const requestedTable = (
  { resource, query }: ResourceRequest,
  objects: readonly KubeObject[],
  version?: number,
): Table =>
  tableOf(resource, objects, Date.now(), {
    include: includeOf(query.get('includeObject')),
    resourceVersion: version === undefined ? undefined : String(version),
  });

export function sendObject(
  response: Response,
  request: ResourceRequest,
  object: KubeObject,
  code = 200,
): void {
  const isMain = request.subresource === '' && object.kind === request.resource.kind;
  const body = isMain && wantsTable(request) ? requestedTable(request, [object]) : object;
  sendJson(response, code, body);
}

export function sendList(
  response: Response,
  request: ResourceRequest,
  objects: readonly KubeObject[],
  version: number,
): void {
  const { resource } = request;
  if (wantsTable(request)) {
    sendJson(response, 200, requestedTable(request, objects, version));
    return;
  }
  sendJson(response, 200, {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(version) },
    items: objects,
  });
}

export const statusOf = (error: ApiError) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: error.message,
  reason: error.reason,
  ...(error.details ? { details: error.details } : {}),
  code: error.code,
});

/** What a deletion that took effect at once answers. */
export const deletedStatus = (resource: Resource, name: string, uid: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: { name, kind: resource.name, uid, ...(resource.group ? { group: resource.group } : {}) },
});

export function sendError(response: Response, error: unknown, log: (text: string) => void): void {
  const known = error instanceof ApiError;
  if (!known) log(`a request failed: ${error instanceof Error ? error.stack : String(error)}`);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const said = known
    ? error
    : new ApiError(500, 'InternalError', `Internal error occurred: ${String(error)}`);
  sendJson(response, said.code, statusOf(said));
}
