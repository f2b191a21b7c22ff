// A Kubernetes API server that keeps objects in memory and answers lists, watches, server-side apply and deletes by
// label: as much as the lab asks of one. A test says otherwise for the one request that it is about.
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { KubernetesObject, V1Deployment, V1Node, V1Pod } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { type ClusterApi, connect } from '../../scripts/cluster/api.ts';
import { mergePatch } from '../../scripts/cluster/embedded/api/patch/merge-patch.ts';
import { NAMESPACE } from '../../scripts/cluster/lab.ts';
import { tempDir } from './temp-dir.ts';

export type KubeRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
};

export type Answer = (request: KubeRequest, response: ServerResponse) => void;

export type KubeApi = AsyncDisposable & {
  url: string;
  /** A kubeconfig for it, as text. */
  kubeconfig: string;
  /** The lab's own client. */
  api: ClusterApi;
  requests: KubeRequest[];
  /** Answers requests whose `METHOD /path?query` begins with this; the last one that was told counts. */
  on: (beginning: string, answer: Answer) => void;
  /** Adds or replaces an object, and tells watches. `path` is its collection's. */
  put: (path: string, object: KubernetesObject & { spec?: unknown; status?: unknown }) => void;
  remove: (path: string, name: string) => void;
  objects: (path: string) => KubernetesObject[];
  /** The watches of a collection that are open now. */
  watches: (path: string) => ServerResponse[];
};

export const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
export const SERVICES = `/api/v1/namespaces/${NAMESPACE}/services`;
export const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
export const REPLICA_SETS = `/apis/apps/v1/namespaces/${NAMESPACE}/replicasets`;
export const SLICES = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`;

const RESOURCES: Record<string, { kind: string; name: string; namespaced: boolean }[]> = {
  '/api/v1': [
    { kind: 'Namespace', name: 'namespaces', namespaced: false },
    { kind: 'Service', name: 'services', namespaced: true },
    { kind: 'ConfigMap', name: 'configmaps', namespaced: true },
    { kind: 'ServiceAccount', name: 'serviceaccounts', namespaced: true },
  ],
  '/apis/apps/v1': [{ kind: 'Deployment', name: 'deployments', namespaced: true }],
  '/apis/rbac.authorization.k8s.io/v1': [
    { kind: 'Role', name: 'roles', namespaced: true },
    { kind: 'RoleBinding', name: 'rolebindings', namespaced: true },
  ],
};

export async function kubeApi(): Promise<KubeApi> {
  const collections = new Map<string, Map<string, KubernetesObject>>();
  const watching = new Set<{ path: string; selector: string | null; response: ServerResponse }>();
  const rules: [string, Answer][] = [];
  const requests: KubeRequest[] = [];
  let version = 100;

  const objects = (path: string) => [...(collections.get(path)?.values() ?? [])];
  const tell = (type: string, path: string, object: KubernetesObject) => {
    for (const watch of watching) {
      if (watch.path === path && selects(watch.selector, object)) {
        watch.response.write(`${JSON.stringify({ type, object })}\n`);
      }
    }
  };
  const put = (path: string, object: KubernetesObject) => {
    const kept = collections.get(path) ?? new Map<string, KubernetesObject>();
    const name = object.metadata?.name ?? '';
    const type = kept.has(name) ? 'MODIFIED' : 'ADDED';
    version += 1;
    const metadata = { uid: `uid-${name}`, ...object.metadata, resourceVersion: `${version}` };
    kept.set(name, { ...object, metadata });
    collections.set(path, kept);
    tell(type, path, { ...object, metadata });
  };
  const remove = (path: string, name: string) => {
    const object = collections.get(path)?.get(name);
    collections.get(path)?.delete(name);
    if (object) tell('DELETED', path, object);
  };

  const answer: Answer = (request, response) => {
    const { method, path, query } = request;
    const rule = rules.findLast(([beginning]) => `${method} ${path}?${query}`.startsWith(beginning));
    if (rule) return rule[1](request, response);
    const resources = RESOURCES[path];
    if (resources) return json(response, 200, { resources });
    const name = path.slice(path.lastIndexOf('/') + 1);
    const collection = path.slice(0, path.lastIndexOf('/'));
    const selector = query.get('labelSelector');
    if (method === 'PATCH') {
      const patch = JSON.parse(request.body) as KubernetesObject;
      const merges = request.headers['content-type'] === 'application/merge-patch+json';
      const before = collections.get(collection)?.get(name);
      put(collection, rolledOut(merges ? (mergePatch(before, patch) as KubernetesObject) : patch));
      return json(response, 200, collections.get(collection)?.get(name));
    }
    if (method === 'POST') {
      put(path, JSON.parse(request.body) as KubernetesObject);
      return json(response, 201, {});
    }
    if (method === 'DELETE') {
      for (const { metadata } of objects(path).filter((object) => selects(selector, object)))
        remove(path, metadata?.name ?? '');
      remove(collection, name);
      return json(response, 200, {});
    }
    if (query.get('watch') === 'true') {
      const watch = { path, selector, response };
      watching.add(watch);
      response.on('close', () => watching.delete(watch));
      response.flushHeaders();
      return;
    }
    const one = collections.get(collection)?.get(name);
    if (one) return json(response, 200, one);
    if (name === 'log' || collections.has(collection))
      return refuse(404, `${name} not found`)(request, response);
    const items = path === '/api/v1/pods' ? allPods(collections) : objects(path);
    json(response, 200, {
      metadata: { resourceVersion: `${version}` },
      items: items.filter((object) => selects(selector, object)),
    });
  };

  const server = createServer(async (incoming, response) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://localhost');
    let body = '';
    for await (const chunk of incoming.setEncoding('utf8')) body += chunk;
    const { method = 'GET', headers } = incoming;
    const request = { method, path: pathname, query: searchParams, headers, body };
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeconfig = kubeconfigOf(url);
  const dir = await tempDir();
  await writeFile(join(dir.path, 'kubeconfig'), kubeconfig);
  return {
    url,
    kubeconfig,
    api: connect(join(dir.path, 'kubeconfig')),
    requests,
    on: (beginning, rule) => rules.push([beginning, rule]),
    put,
    remove,
    objects,
    watches: (path) => [...watching].filter((watch) => watch.path === path).map(({ response }) => response),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** A cluster of one control plane and three workers on which all is well. */
export function healthyCluster(kube: KubeApi): void {
  for (const name of ['control-plane', 'worker1', 'worker2', 'worker3'])
    kube.put('/api/v1/nodes', node(name));
  kube.put('/api/v1/namespaces/kube-system/pods', pod('coredns-1', { namespace: 'kube-system' }));
}

export const node = (name: string, ready = true): V1Node => ({
  metadata: { name, labels: {} },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

export type PodSketch = {
  namespace?: string;
  labels?: Record<string, string>;
  ready?: boolean;
  restarts?: number;
  /** Why its container waits: `ImagePullBackOff`. */
  waiting?: { reason: string; message?: string };
  deletionTimestamp?: string;
  /** UID of the ReplicaSet that made it. */
  owner?: string;
};

export const pod = (name: string, sketch: PodSketch = {}): V1Pod => {
  const {
    namespace = NAMESPACE,
    labels = {},
    ready = true,
    restarts = 0,
    waiting,
    deletionTimestamp,
    owner,
  } = sketch;
  const state = waiting ? { waiting } : { running: {} };
  // As JSON has it: the client makes a Date of the timestamp.
  const metadata = {
    name,
    namespace,
    labels,
    ...(deletionTimestamp ? { deletionTimestamp } : {}),
    ...(owner ? { ownerReferences: [{ uid: owner }] } : {}),
  };
  return {
    metadata: metadata as unknown as NonNullable<V1Pod['metadata']>,
    spec: { nodeName: 'worker1', containers: [] },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [{ name: 'main', image: '', imageID: '', ready, restartCount: restarts, state }],
    },
  };
};

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** What the API server says when it refuses. */
export const refuse =
  (code: number, message: string): Answer =>
  (_, response) =>
    json(response, code, { kind: 'Status', status: 'Failure', code, message });

function rolledOut(object: KubernetesObject): KubernetesObject {
  const { kind, spec } = object as V1Deployment;
  if (kind !== 'Deployment') return object;
  const replicas = spec?.replicas ?? 1;
  const status = { observedGeneration: 1, updatedReplicas: replicas, availableReplicas: replicas, replicas };
  return { ...object, metadata: { ...object.metadata, generation: 1 }, status } as KubernetesObject;
}

/** `a=b,c=d` and `a`. */
function selects(selector: string | null, { metadata }: KubernetesObject): boolean {
  return (selector ?? '')
    .split(',')
    .filter(Boolean)
    .map((term) => term.split('='))
    .every(([key = '', value]) =>
      value === undefined ? key in (metadata?.labels ?? {}) : metadata?.labels?.[key] === value,
    );
}

const allPods = (collections: ReadonlyMap<string, ReadonlyMap<string, KubernetesObject>>) =>
  [...collections].filter(([path]) => path.endsWith('/pods')).flatMap(([, pods]) => [...pods.values()]);

const kubeconfigOf = (server: string): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    clusters: [{ name: 'fake', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'fake', user: {} }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
  });
