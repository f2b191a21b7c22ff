import type { Writable } from 'node:stream';
import { HttpError } from './http-error.ts';

export type ControlRequest = {
  /** What `:names` in the route's path stand for. */
  params: Record<string, string>;
  query: URLSearchParams;
  body: unknown;
};
export type Answer = { status?: number; body: unknown };

type Endpoint = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/workloads/:id` */
  path: string;
  /** Answers without the lab's token too. Default false. */
  open?: boolean;
};
export type Route = Endpoint &
  (
    | { answer: (request: ControlRequest) => Answer | Promise<Answer> }
    /** Newline-delimited JSON until either side ends it. */
    | { stream: (request: ControlRequest, lines: Writable) => void }
  );

/** @throws HttpError 404 for an unknown path, 405 for a method that it does not have. */
export function findRoute(routes: readonly Route[], method: string, path: string) {
  const matches = routes.flatMap((route) => {
    const params = match(route.path, path);
    return params ? [{ route, params }] : [];
  });
  if (matches.length === 0) throw new HttpError(404, `there is nothing at ${path}`);
  const found = matches.find(({ route }) => route.method === method);
  if (found) return found;
  throw new HttpError(405, `${path} takes ${matches.map(({ route }) => route.method).join(', ')}`);
}

function match(pattern: string, path: string): Record<string, string> | undefined {
  const expected = pattern.split('/');
  const given = path.split('/');
  if (expected.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of expected.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = value;
    else if (part !== value) return undefined;
  }
  return params;
}
