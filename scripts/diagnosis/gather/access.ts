// The one way of a diagnosis to a cluster: GET, written down, bounded in time. Nothing here can send anything else.
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { request } from 'undici';
import { type Connection, connection } from '../../cluster/index.ts';
import { LabError, messageOf } from '../../common/errors.ts';
import { limited } from './limited.ts';
import { late, messageIn, ReadError, refusal } from './read-error.ts';
import { type ObjectOf, RESOURCES, type ResourceName } from './resources.ts';

/** A request as RBAC has it. */
export type Asked = {
  verb: 'get' | 'list' | 'watch' | 'create' | 'delete';
  /** `pods`, `pods/log`, `pods/proxy`, `/version`. */
  resource: string;
  namespace?: string | undefined;
  name?: string | undefined;
};

export type Where = { namespace?: string | undefined; labelSelector?: string };
export type Page<T> = { items: T[]; next: string | undefined };

export type Access = {
  kubeConfig: KubeConfig;
  /** Everything that was asked, in order; what goes beyond reading writes itself down here. */
  audit: Asked[];
  /** As it was given: what ends everything. */
  interrupted: AbortSignal;
  /** Aborted by that, and when the time is over. */
  signal: AbortSignal;
  /** @throws ReadError; the reason of an abort. */
  get: <Name extends ResourceName>(
    resource: Name,
    name: string,
    namespace?: string,
  ) => Promise<ObjectOf[Name]>;
  /** At most 500 objects. @param next of the page before. @throws as `get`. */
  page: <Name extends ResourceName>(
    resource: Name,
    where: Where,
    next?: string,
  ) => Promise<Page<ObjectOf[Name]>>;
  /** Hands the log of a container over in pieces. @throws as `get`. */
  log: <T>(
    pod: { namespace: string; name: string },
    query: Record<string, string>,
    read: (pieces: AsyncIterable<Uint8Array>) => Promise<T>,
  ) => Promise<T>;
  /** Of Kubernetes: `v1.34.0`. */
  version: () => Promise<string | undefined>;
};

export type AccessOptions = {
  /** Ends everything, by its reason. */
  signal: AbortSignal;
  /** For all together, from now on; what is not there by then is not seen. */
  totalMs?: number;
  /** For one answer to its end. */
  requestMs?: number;
  /** Where it is written down; default: a new one. */
  audit?: Asked[];
};

const PAGE = 500;
const AT_A_TIME = 10;
/** An API server that is busy, restarting, or behind a load balancer that is. */
const WORTH_ANOTHER_TRY = new Set([429, 500, 502, 503, 504]);
const PAUSES_MS = [150, 600];

/** @throws LabError `prerequisite` when the credentials of the kubeconfig cannot be had. */
export async function readingAccess(
  kubeConfig: KubeConfig,
  { signal: interrupted, totalMs = 12_000, requestMs = 5000, audit = [] }: AccessOptions,
): Promise<Access> {
  const over = AbortSignal.timeout(totalMs);
  const signal = AbortSignal.any([interrupted, over]);
  const to = await connection(kubeConfig).catch((error: unknown) => {
    const message = `the credentials of ${kubeConfig.getCurrentContext()} cannot be had: ${messageOf(error)}`;
    throw new LabError('prerequisite', message, { cause: error });
  });
  const inTurn = limited(AT_A_TIME);

  const once = async <T>(asked: Asked, url: string, read: (body: Body) => Promise<T>): Promise<T> => {
    interrupted.throwIfAborted();
    if (over.aborted) throw late(totalMs);
    const tooLate = AbortSignal.timeout(requestMs);
    audit.push(asked);
    try {
      return await send(to, url, asked, read, AbortSignal.any([signal, tooLate]));
    } catch (error) {
      interrupted.throwIfAborted();
      if (over.aborted) throw late(totalMs);
      if (tooLate.aborted) throw late(requestMs);
      throw error;
    }
  };

  const ask = async <T>(asked: Asked, url: string, read: (body: Body) => Promise<T>): Promise<T> => {
    for (const pauseMs of PAUSES_MS) {
      try {
        return await inTurn(() => once(asked, url, read));
      } catch (error) {
        if (!isWorthAnotherTry(error) || signal.aborted) throw error;
        await delay(pauseMs, undefined, { signal }).catch(() => {});
      }
    }
    return inTurn(() => once(asked, url, read));
  };

  return {
    kubeConfig,
    audit,
    interrupted,
    signal,
    get: (resource, name, namespace) =>
      ask<ObjectOf[typeof resource]>(
        { verb: 'get', resource, namespace, name },
        path(resource, namespace, name),
        json,
      ),
    page: async (resource, { namespace, labelSelector }, next) => {
      const query = new URLSearchParams({ limit: `${PAGE}` });
      if (labelSelector !== undefined) query.set('labelSelector', labelSelector);
      if (next) query.set('continue', next);
      const url = `${path(resource, namespace)}?${query}`;
      const list = await ask<List<ObjectOf[typeof resource]>>(
        { verb: 'list', resource, namespace },
        url,
        json,
      );
      return { items: list.items ?? [], next: list.metadata?.continue || undefined };
    },
    log: ({ namespace, name }, query, read) =>
      ask(
        { verb: 'get', resource: 'pods/log', namespace, name },
        `${path('pods', namespace, name)}/log?${new URLSearchParams(query)}`,
        read,
      ),
    version: async () =>
      (await ask<{ gitVersion?: string }>({ verb: 'get', resource: '/version' }, '/version', json))
        .gitVersion,
  };
}

type Body = AsyncIterable<Uint8Array> & { json: () => Promise<unknown> };
type List<T> = { items?: T[] | null; metadata?: { continue?: string } };

const json = async <T>(body: Body): Promise<T> => (await body.json()) as T;

function path(resource: ResourceName, namespace?: string, name?: string): string {
  const { base } = RESOURCES[resource];
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${base}${scope}/${resource}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

async function send<T>(
  { server, headers, dispatcher }: Connection,
  url: string,
  asked: Asked,
  read: (body: Body) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  try {
    const { statusCode, body } = await request(`${server}${url}`, {
      method: 'GET',
      headers,
      signal,
      ...(dispatcher ? { dispatcher } : {}),
    });
    if (statusCode < 400) return await read(body);
    const { verb, resource, namespace } = asked;
    const what = `${verb} ${resource}${namespace === undefined ? '' : ` in ${namespace}`}`;
    throw refusal(what, statusCode, messageIn(await body.text()));
  } catch (error) {
    if (error instanceof ReadError || signal.aborted) throw error;
    // What it sent is no JSON: something else answers at this address.
    if (error instanceof SyntaxError) throw new ReadError('the answer is no JSON', 200, error);
    throw new ReadError(`the API server cannot be reached: ${messageOf(error)}`, undefined, error);
  }
}

/** A refused or broken connection, or an answer that says so. A slow answer is not asked for again. */
const isWorthAnotherTry = (error: unknown): boolean =>
  error instanceof ReadError &&
  (error.status === undefined ? error.cause !== undefined : WORTH_ANOTHER_TRY.has(error.status));
