// What a request asks for, read from its method and path. Source: Kubernetes API concepts, "Resource URIs".
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError, badRequest, methodNotAllowed } from '../errors.ts';
import { apiVersionOf, type Resource, resources } from '../resources.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export type ResourceRequest = {
  verb: Verb;
  resource: Resource;
  /** '' for every namespace, and for kinds that have none. */
  namespace: string;
  /** '' for the collection. */
  name: string;
  subresource: '' | 'status' | 'scale' | 'log' | 'proxy';
  /** What follows `/proxy`, with its slash. */
  rest: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  method: string;
};

const byPath = new Map(
  Object.values(resources).map((resource) => [`${apiVersionOf(resource)}/${resource.name}`, resource]),
);

/** @returns undefined when the path is not one of a resource. */
export function resourceRequest(
  method: string,
  url: URL,
  headers: IncomingHttpHeaders,
): ResourceRequest | undefined {
  const path = /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+\/[^/]+))\/(?<rest>.+)$/.exec(url.pathname);
  const { core, group, rest } = path?.groups ?? {};
  const groupVersion = core ?? group;
  if (groupVersion === undefined || rest === undefined) return undefined;
  const raw = rest.split('/');
  const segments = raw.map(decoded);
  // /namespaces/x/pods is a collection in x; /namespaces/x is the namespace itself, and may have a status.
  const inNamespace = segments[0] === 'namespaces' && segments.length > 2 && segments[2] !== 'status';
  const namespace = inNamespace ? (segments[1] ?? '') : '';
  const [plural = '', name = '', subresource = '', ...more] = inNamespace ? segments.slice(2) : segments;
  const resource = byPath.get(`${groupVersion}/${plural}`);
  if (!resource) throw unserved(groupVersion, plural);
  if (inNamespace && !resource.namespaced) throw unserved(groupVersion, plural);
  if (name && resource.namespaced && !inNamespace) throw unserved(groupVersion, plural);
  if (subresource && !isSubresource(resource, subresource))
    throw unserved(groupVersion, `${plural}/${subresource}`);
  if (more.length > 0 && subresource !== 'proxy') throw unserved(groupVersion, `${plural}/${subresource}`);
  return {
    verb: verbOf(method, name, subresource, url.searchParams),
    resource,
    namespace,
    name,
    subresource: subresource as ResourceRequest['subresource'],
    rest: `/${raw.slice(raw.length - more.length).join('/')}`,
    query: url.searchParams,
    headers,
    method,
  };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`the path is not well encoded: ${segment}`);
  }
}

const isSubresource = (resource: Resource, name: string): boolean =>
  (resource.subresources as readonly string[]).includes(name);

const unserved = (groupVersion: string, name: string): ApiError =>
  new ApiError(
    404,
    'NotFound',
    `the server could not find the requested resource: the embedded provider does not serve ${name} of ${groupVersion}`,
  );

/** A proxied request takes the right to what it may do to the pod. */
const proxyVerbs: Record<string, Verb | undefined> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function verbOf(method: string, name: string, subresource: string, query: URLSearchParams): Verb {
  const refused = () => methodNotAllowed('the server does not allow this method on the requested resource');
  if (subresource === 'proxy') {
    const verb = proxyVerbs[method];
    if (!verb) throw refused();
    return verb;
  }
  const watches = isTrue(query.get('watch'));
  const verbs: Record<string, Verb | undefined> = name
    ? { GET: watches ? 'watch' : 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }
    : { GET: watches ? 'watch' : 'list', POST: 'create', DELETE: 'deletecollection' };
  const verb = verbs[method];
  const readOnly = subresource === 'log' && verb !== 'get';
  const partial = subresource !== '' && (verb === 'delete' || verb === 'watch');
  if (!verb || readOnly || partial) throw refused();
  return verb;
}

export const isTrue = (value: string | null): boolean => value === 'true' || value === '1';
