// Pods, Deployments and Services for the cases, and how to look at them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  KubernetesObject,
  V1Container,
  V1ContainerStatus,
  V1Deployment,
  V1DeploymentSpec,
  V1Pod,
  V1PodSpec,
  V1Service,
  V1ServiceSpec,
} from '@kubernetes/client-node';
import { expect } from 'vitest';
import { type Plural, type Sent, type Space, until } from './support.ts';

const AGENT = readFileSync(join(import.meta.dirname, 'agent.cjs'), 'utf8');

/** What a pod is to be beside what every pod of the contract is. */
export type Sketch = {
  /** Program for `node -e`; the agent where there is none. */
  script?: string;
  env?: Record<string, string>;
  labels?: Record<string, string>;
  container?: Partial<V1Container>;
  pod?: Partial<V1PodSpec>;
};

export const nameOf = (object: KubernetesObject | undefined): string => object?.metadata?.name ?? '';

/** One container called `main`, as Pod Security's profile `restricted` wants it. */
export function podSpec({ images }: Space, { script, env = {}, container, pod }: Sketch): V1PodSpec {
  const isAgent = script === undefined && container?.command === undefined;
  return {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'main',
        image: images.client,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', '-e', script ?? AGENT],
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        ...(isAgent
          ? {
              ports: [{ name: 'http', containerPort: 8080 }],
              readinessProbe: {
                httpGet: { path: '/ready', port: 'http' },
                periodSeconds: 1,
                failureThreshold: 1,
                // On a busy machine an answer may take more than a second: slow is not unready.
                timeoutSeconds: 5,
              },
            }
          : {}),
        ...container,
        env: [
          { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          ...Object.entries(env).map(([name, value]) => ({ name, value })),
          ...(container?.env ?? []),
        ],
      },
    ],
    ...pod,
  };
}

/** Creates a pod labelled `app: <name>`. */
export const runPod = (space: Space, name: string, sketch: Sketch = {}): Promise<V1Pod> =>
  space.create('pods', {
    metadata: { name, labels: { app: name, ...sketch.labels } },
    spec: podSpec(space, sketch),
  });

export function deployment(
  space: Space,
  name: string,
  replicas: number,
  sketch: Sketch & { spec?: Partial<V1DeploymentSpec> } = {},
): V1Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name } },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, ...sketch.labels } },
        spec: podSpec(space, sketch),
      },
      ...sketch.spec,
    },
  };
}

/** Creates a Deployment and waits for its pods. */
export async function runDeployment(
  space: Space,
  name: string,
  replicas: number,
  sketch?: Parameters<typeof deployment>[3],
): Promise<V1Pod[]> {
  await space.create('deployments', deployment(space, name, replicas, sketch));
  return readyPods(space, name, replicas);
}

/**
 * Creates a Service of the pods labelled `app: <name>`, port 7000 → 8080. A ClusterIP's port below 1024 is what
 * embedded cannot have.
 */
export const runService = (
  space: Space,
  name: string,
  spec: Partial<V1ServiceSpec> = {},
  labels: Record<string, string> = {},
): Promise<V1Service> =>
  space.create('services', {
    metadata: { name, labels },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 7000, targetPort: 8080 }], ...spec },
  });

export const isReady = (pod: V1Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

/** Status of the pod's only container. */
export const container = (pod: V1Pod): V1ContainerStatus | undefined => pod.status?.containerStatuses?.[0];

/** Waits until there are that many pods labelled `app: <name>`, all Ready, and none that is going. */
export const readyPods = (space: Space, name: string, count: number, timeoutMs?: number): Promise<V1Pod[]> =>
  until(
    `${count} ready pods of ${name}`,
    async () => {
      const pods = await space.list('pods', `app=${name}`);
      if (pods.length !== count || !pods.every((pod) => isReady(pod) && !pod.metadata?.deletionTimestamp))
        throw new Error(`${pods.length} pods: ${pods.map(inShort).join('; ')}`);
      return pods;
    },
    timeoutMs,
  );

/** Waits until `check` throws no more. */
export const podThat = (
  space: Space,
  name: string,
  what: string,
  check: (pod: V1Pod) => void,
  timeoutMs?: number,
): Promise<V1Pod> =>
  until(
    `${name} ${what}`,
    async () => {
      const pod = await space.get('pods', name);
      try {
        check(pod);
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : error} in ${inShort(pod)}`);
      }
      return pod;
    },
    timeoutMs,
  );

export const readyPod = (space: Space, name: string): Promise<V1Pod> =>
  podThat(space, name, 'is Ready', (pod) => expect(isReady(pod)).toBe(true));

export const endedPod = (space: Space, name: string): Promise<V1Pod> =>
  podThat(space, name, 'has ended', (pod) => expect(['Succeeded', 'Failed']).toContain(pod.status?.phase));

/** Waits until there is no such object. */
export const gone = (space: Space, plural: Plural, name: string, timeoutMs?: number): Promise<void> =>
  until(
    `no ${plural}/${name}`,
    async () => {
      const { status, text } = await space.http('GET', space.path(plural, name));
      if (status !== 404) throw new Error(text);
    },
    timeoutMs,
  );

const inShort = (pod: V1Pod): string => {
  const { name, deletionTimestamp } = pod.metadata ?? {};
  const state = JSON.stringify(container(pod)?.state ?? pod.status?.conditions ?? pod.status?.phase);
  return `${name} ${isReady(pod) ? 'Ready' : 'unready'}${deletionTimestamp ? ' going' : ''} ${state}`;
};

/** `Reason: message` of every event about an object of that name. */
export async function eventsOf(space: Space, name: string): Promise<string[]> {
  const query = { fieldSelector: `involvedObject.name=${name}` };
  const { body } = await space.http<{ items: { reason: string; message: string }[] }>(
    'GET',
    space.path('events'),
    { query },
  );
  return body.items.map(({ reason, message }) => `${reason}: ${message}`);
}

/** Waits for an event about an object of that name. */
export const eventOf = (space: Space, name: string, pattern: RegExp): Promise<void> =>
  until(`an event ${pattern} of ${name}`, async () => {
    const events = await eventsOf(space, name);
    if (!events.some((event) => pattern.test(event))) throw new Error(events.join(' | ') || 'no event');
  });

/** A container's log. @throws when it is refused. */
export async function logOf(space: Space, pod: string, query?: Sent['query']): Promise<string> {
  const { status, text } = await space.http('GET', `${space.path('pods', pod)}/log`, query ? { query } : {});
  if (status !== 200) throw new Error(`${status} ${text}`);
  return text;
}

export type Who = { pod: string; remote: string; connection: number; path: string };

/** The agent in a pod, asked through the API server's pod proxy. */
export function agentIn(space: Space, pod: string) {
  const send = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const reply = await space.http<T>(method, `${space.path('pods', `${pod}:8080`)}/proxy${path}`, { body });
    if (reply.status >= 300) throw new Error(`${pod}${path}: ${reply.status} ${reply.text}`);
    return reply.body;
  };
  /** What it saw, or the code of the error. */
  const look = async <T>(asked: { look: string } & Record<string, unknown>): Promise<T | string> => {
    const seen = await send<{ value: T } | { error: string }>('POST', '/look', asked);
    return 'error' in seen ? seen.error : seen.value;
  };
  return {
    setReady: (on: boolean) => send('PUT', `/ready?on=${on}`),
    who: () => send<Who>('GET', '/who'),
    /** Addresses by getaddrinfo, sorted, each once. */
    lookup: async (name: string) => {
      const seen = await look<string[]>({ look: 'lookup', name });
      return typeof seen === 'string' ? seen : [...new Set(seen)].sort();
    },
    resolve: <T>(name: string, type: string) => look<T>({ look: 'resolve', name, type }),
    file: (path: string) => look<string>({ look: 'file', path }),
    env: async () => (await look<Record<string, string>>({ look: 'env' })) as Record<string, string>,
    get: (url: string, keep?: string) => look<Who>({ look: 'get', url, keep }),
    spread: (url: string, times: number) => look<Record<string, number>>({ look: 'spread', url, times }),
    connect: (host: string, port: number) => look<string>({ look: 'connect', host, port }),
    /** Addresses of those that have a connection to a port of the pod, which listens from the first time on. */
    callers: (port: number) => look<string[]>({ look: 'callers', port }),
    kubernetes: (path: string) => look<number>({ look: 'kubernetes', path }),
  };
}

const observers = new Map<Space, Promise<ReturnType<typeof agentIn>>>();

/** An agent in the area's namespace that nobody else's Service selects. */
export function observer(space: Space): Promise<ReturnType<typeof agentIn>> {
  const known =
    observers.get(space) ??
    (async () => {
      await runPod(space, 'observer');
      await readyPod(space, 'observer');
      return agentIn(space, 'observer');
    })();
  observers.set(space, known);
  return known;
}
