// What the cases of the contract see: a kubeconfig, a namespace of their own, and the name of the provider.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CoreV1Event,
  HttpMethod,
  type KubernetesObject,
  RequestContext,
  type V1ConfigMap,
  type V1Deployment,
  type V1EndpointSlice,
  type V1Pod,
  type V1ReplicaSet,
  type V1Role,
  type V1RoleBinding,
  type V1Secret,
  type V1Service,
  type V1ServiceAccount,
  type V1Status,
} from '@kubernetes/client-node';
import { execa } from 'execa';
import { Agent, type Dispatcher, request } from 'undici';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { apiMessage, connect, statusOf } from '../../scripts/cluster/api.ts';
import { NAMESPACE } from '../../scripts/cluster/lab.ts';
import { messageOf } from '../../scripts/common/errors.ts';
import { waitFor } from '../../scripts/common/wait.ts';

/** The cluster that is held to the contract. */
export type Target = { provider: 'kind' | 'embedded'; kubeconfig: string };

type Types = {
  configmaps: V1ConfigMap;
  deployments: V1Deployment;
  endpointslices: V1EndpointSlice;
  events: CoreV1Event;
  pods: V1Pod;
  replicasets: V1ReplicaSet;
  rolebindings: V1RoleBinding;
  roles: V1Role;
  secrets: V1Secret;
  serviceaccounts: V1ServiceAccount;
  services: V1Service;
};
export type Plural = keyof Types;

const groups: Partial<Record<Plural, string>> = {
  deployments: 'apps/v1',
  replicasets: 'apps/v1',
  endpointslices: 'discovery.k8s.io/v1',
  roles: 'rbac.authorization.k8s.io/v1',
  rolebindings: 'rbac.authorization.k8s.io/v1',
};

/** Paths of a namespace's objects: `/apis/apps/v1/namespaces/x/deployments`. */
export function pathIn(namespace: string, plural: Plural, name?: string): string {
  const group = groups[plural];
  const collection = `${group ? `/apis/${group}` : '/api/v1'}/namespaces/${namespace}/${plural}`;
  return name === undefined ? collection : `${collection}/${name}`;
}

export type Reply<T> = { status: number; body: T; text: string; warning: string };
export type Sent = {
  body?: unknown;
  /** Media type of the body: application/json. */
  type?: string;
  query?: Record<string, string | number | boolean>;
  headers?: Record<string, string>;
};

export const MERGE = 'application/merge-patch+json';
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';
export const APPLY = 'application/apply-patch+yaml';

/** HTTP to the API server. A string is sent as it is. */
export type Http = <T = V1Status>(method: string, path: string, sent?: Sent) => Promise<Reply<T>>;

/** A namespace of an area's own, and the API as seen from it. */
export type Space = {
  name: string;
  provider: Target['provider'];
  kubeconfig: string;
  /** Of greeter-server and greeter-client, as lab:up has loaded them. */
  images: { server: string; client: string };
  http: Http;
  /** As somebody else: with this token, or nobody. */
  httpAs: (token?: string) => Http;
  path: (plural: Plural, name?: string) => string;
  create: <K extends Plural>(plural: K, object: Types[K]) => Promise<Types[K]>;
  get: <K extends Plural>(plural: K, name: string) => Promise<Types[K]>;
  list: <K extends Plural>(plural: K, labelSelector?: string) => Promise<Types[K][]>;
  /** A merge patch unless `type` says otherwise. */
  patch: <K extends Plural>(plural: K, name: string, patch: object, type?: string) => Promise<Types[K]>;
  remove: (plural: Plural, name: string, options?: object) => Promise<void>;
  watch: <T extends KubernetesObject>(path: string, query?: Sent['query']) => Promise<Watching<T>>;
  /** The real kubectl, in this namespace. @throws when it fails. */
  kubectl: (...args: string[]) => Promise<string>;
  /** What it needs to be run otherwise: with input, in the background. */
  kubectlArgs: string[];
};

export type WatchEvent<T> = { type: string; object: T };
export type Watching<T> = AsyncDisposable & {
  /** What came so far. */
  events: WatchEvent<T>[];
  /** Resolves when the server ends it. */
  ended: Promise<void>;
  stop: () => void;
};

export type Contract = (name: string, body: (space: Space) => Promise<void>, timeoutMs?: number) => void;

/** An area of the contract: cases that run at the same time in one namespace, so each names its objects itself. */
export function area(name: string, cases: (contract: Contract) => void): (target: () => Target) => void {
  return (target) => {
    describe.concurrent(name, () => {
      let space: Space | undefined;
      let close = async () => {};
      beforeAll(async () => {
        ({ space, close } = await openSpace(target(), name));
      });
      // On a real cluster the last pods take their time to end.
      afterAll(() => close(), 240_000);
      cases((title, body, timeoutMs) => {
        it(
          title,
          async () => {
            if (!space) throw new Error('there is no namespace');
            await body(space);
          },
          timeoutMs ?? 120_000,
        );
      });
    });
  };
}

/** Tries until it throws no more. @throws LabError with what was thrown last. */
export function until<T>(what: string, attempt: () => Promise<T>, timeoutMs = 60_000): Promise<T> {
  const poll = async () => {
    try {
      return { done: await attempt() };
    } catch (error) {
      return { waiting: statusOf(error) === undefined ? messageOf(error) : apiMessage(error) };
    }
  };
  return waitFor(what, poll, { timeoutMs, intervalMs: 200 });
}

async function openSpace(
  { provider, kubeconfig }: Target,
  area: string,
): Promise<{ space: Space; close: () => Promise<void> }> {
  const name = `contract-${area}-${process.pid}`;
  const { kubeConfig, apps } = connect(kubeconfig);
  const cluster = kubeConfig.getCurrentCluster();
  const server = cluster?.server ?? '';
  const context = new RequestContext(server, HttpMethod.GET);
  await kubeConfig.applySecurityAuthentication(context);
  const dispatcher = context.getDispatcher() as unknown as Dispatcher;
  const ca = cluster?.caData ? Buffer.from(cluster.caData, 'base64') : readFileSync(cluster?.caFile ?? '');
  const strangers = new Agent({ connect: { ca } });
  const cache = await mkdtemp(join(tmpdir(), 'contract-kubectl-'));

  const http = httpTo(server, dispatcher, context.getHeaders());
  const path = (plural: Plural, object?: string) => pathIn(name, plural, object);
  const must = async <T>(method: string, at: string, sent?: Sent): Promise<T> => {
    const { status, body, text } = await http<T>(method, at, sent);
    if (status >= 300) throw new Error(`${method} ${at}: ${status} ${(body as V1Status)?.message ?? text}`);
    return body;
  };
  const imageOf = async (deployment: string) => {
    const found = await apps.readNamespacedDeployment({ namespace: NAMESPACE, name: deployment });
    return found.spec?.template.spec?.containers[0]?.image ?? '';
  };
  const kubectlArgs = ['--kubeconfig', kubeconfig, '--cache-dir', cache, '-n', name];

  const space: Space = {
    name,
    provider,
    kubeconfig,
    images: { server: await imageOf('greeter-server'), client: await imageOf('greeter-client') },
    http,
    httpAs: (token) => httpTo(server, strangers, token ? { authorization: `Bearer ${token}` } : {}),
    path,
    create: (plural, body) => must('POST', path(plural), { body }),
    get: (plural, object) => must('GET', path(plural, object)),
    list: async <K extends Plural>(plural: K, labelSelector = '') =>
      (await must<{ items: Types[K][] }>('GET', path(plural), { query: { labelSelector } })).items,
    patch: (plural, object, body, type = MERGE) => must('PATCH', path(plural, object), { body, type }),
    remove: async (plural, object, body) => {
      await must('DELETE', path(plural, object), { body });
    },
    watch: (at, query) => openWatch(server, dispatcher, context.getHeaders(), at, query),
    kubectl: async (...args) => (await execa('kubectl', [...kubectlArgs, ...args])).stdout,
    kubectlArgs,
  };
  await must('POST', '/api/v1/namespaces', {
    body: { metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
  });
  // Until its service account is there, a namespace takes no pod.
  await until(`the service account of ${name}`, () => space.get('serviceaccounts', 'default'));
  return {
    space,
    close: async () => {
      await must('DELETE', `/api/v1/namespaces/${name}`);
      await until(
        `the end of ${name}`,
        async () => {
          const { status, text } = await http('GET', `/api/v1/namespaces/${name}`);
          if (status !== 404) throw new Error(text);
        },
        180_000,
      );
      await strangers.close();
      await rm(cache, { recursive: true, force: true });
    },
  };
}

const withQuery = (path: string, query: Sent['query'] = {}) => {
  const given = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
};

function httpTo(server: string, dispatcher: Dispatcher, headers: Record<string, string>): Http {
  return async <T>(method: string, path: string, sent: Sent = {}) => {
    const response = await request(server + withQuery(path, sent.query), {
      method: method as Dispatcher.HttpMethod,
      dispatcher,
      headers: { ...headers, 'content-type': sent.type ?? 'application/json', ...sent.headers },
      ...(sent.body === undefined ? {} : { body: textOf(sent.body) }),
    });
    const text = await response.body.text();
    const warning = String(response.headers.warning ?? '');
    return { status: response.statusCode, text, warning, body: parsed(text) as T };
  };
}

const textOf = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function openWatch<T>(
  server: string,
  dispatcher: Dispatcher,
  headers: Record<string, string>,
  path: string,
  query: Sent['query'] = {},
): Promise<Watching<T>> {
  const stopped = new AbortController();
  const response = await request(server + withQuery(path, { ...query, watch: true }), {
    dispatcher,
    headers,
    bodyTimeout: 0,
    signal: stopped.signal,
  });
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
  const events: WatchEvent<T>[] = [];
  const read = async () => {
    let rest = '';
    for await (const chunk of response.body.setEncoding('utf8')) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      events.push(...lines.filter(Boolean).map((line) => JSON.parse(line) as WatchEvent<T>));
    }
  };
  const ended = read().catch((error: unknown) => {
    if (!stopped.signal.aborted) throw error;
  });
  const stop = () => stopped.abort();
  return {
    events,
    ended,
    stop,
    [Symbol.asyncDispose]: async () => {
      stop();
      await ended;
    },
  };
}
