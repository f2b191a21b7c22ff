// A store with its controllers and nobody else: the tests play the kubelet by writing pods' status.
import { setImmediate as turn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import {
  type ControllerOptions,
  startControllers,
} from '../../../scripts/cluster/embedded/controllers/index.ts';
import { createAddresses } from '../../../scripts/cluster/embedded/network/addresses.ts';
import type { Deployment, EndpointSlice, Pod, Service } from '../../../scripts/cluster/embedded/objects.ts';
import { createStore, type Store, wireTime } from '../../../scripts/cluster/embedded/store.ts';

export const NAMESPACE = 'shop';
export const TAINT = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };
export type Lab = ReturnType<typeof createLab>;

type Options = Partial<Omit<ControllerOptions, 'store'>> & { nodes?: number };

/** One control plane, and workers in zones a, a, b, … */
export function createLab({ nodes = 3, ...options }: Options = {}) {
  const store = createStore();
  const addresses = createAddresses(201);
  const logged: string[] = [];
  for (const name of ['default', NAMESPACE])
    store.create('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
      spec: {},
      status: {},
    });
  addNode(store, 'control-plane', 'a', [TAINT]);
  for (let index = 1; index <= nodes; index += 1) addNode(store, `worker-${index}`, index === 3 ? 'b' : 'a');
  const { stop } = startControllers({
    store,
    addresses,
    caCertificate: 'PEM',
    log: (text) => logged.push(text),
    ...options,
  });
  return { store, addresses, logged, stop, settle: () => settled(store) };
}

/** A lab that is stopped with the test. */
export function useLab(options: Options = {}): Lab {
  const lab = createLab(options);
  onTestFinished(lab.stop);
  return lab;
}

function addNode(
  store: Store,
  name: string,
  zone: string,
  taints: { key: string; effect: string }[] = [],
): void {
  store.create('nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone },
    },
    spec: taints.length > 0 ? { taints } : {},
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  });
}

/** Until no controller has anything left to do now. */
async function settled(store: Store): Promise<void> {
  for (let quiet = 0, version = store.version(); quiet < 6; quiet += 1) {
    await turn();
    if (store.version() !== version) quiet = 0;
    version = store.version();
  }
}

type DeploymentSpec = NonNullable<Deployment['spec']>;

export function createDeployment(store: Store, name: string, spec: Partial<DeploymentSpec> = {}): Deployment {
  const labels = { app: name };
  return store.create('deployments', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE, labels },
    spec: { replicas: 3, selector: { matchLabels: labels }, template: templateOf(name), ...spec },
    status: {},
  });
}

export const templateOf = (app: string, image = 'greeter:1'): DeploymentSpec['template'] => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 7,
    containers: [{ name: 'main', image, ports: [{ name: 'grpc', containerPort: 50051 }] }],
  },
});

type Change = Partial<DeploymentSpec> & { image?: string };

export function changeDeployment(store: Store, name: string, { image, ...spec }: Change): void {
  store.update('deployments', NAMESPACE, name, (before) => ({
    ...before,
    spec: {
      ...(before.spec as DeploymentSpec),
      ...spec,
      ...(image ? { template: templateOf(name, image) } : {}),
    },
  }));
}

type ServiceSpec = NonNullable<Service['spec']>;

export function createService(store: Store, name: string, spec: Partial<ServiceSpec> = {}): Service {
  return store.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE, labels: { team: 'lab' } },
    spec: {
      clusterIP: 'None',
      selector: { app: name },
      ports: [{ name: 'grpc', port: 80, targetPort: 'grpc', protocol: 'TCP' }],
      ...spec,
    },
  });
}

export function createPod(
  store: Store,
  name: string,
  spec: Partial<NonNullable<Pod['spec']>> = {},
  labels = {},
): Pod {
  return store.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, labels },
    spec: { containers: [{ name: 'main', image: 'greeter:1' }], ...spec },
    status: { phase: 'Pending' },
  });
}

export const podsOf = ({ store }: Lab, app?: string): Pod[] =>
  store.list('pods', NAMESPACE).filter(({ metadata }) => app === undefined || metadata.labels?.app === app);

/** As a kubelet does: it runs, and is Ready or not; since now unless said. */
export function setReady({ store, addresses }: Lab, name: string, ready = true, sinceMs = Date.now()): void {
  store.update('pods', NAMESPACE, name, (before) => ({
    ...before,
    status: {
      ...before.status,
      phase: 'Running',
      podIP: before.status?.podIP ?? addresses.allocatePod(),
      conditions: [
        ...(before.status?.conditions ?? []).filter(({ type }) => type !== 'Ready'),
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: wireTime(new Date(sinceMs)) },
      ],
    },
  }));
}

export function setPhase({ store }: Lab, name: string, phase: string): void {
  store.update('pods', NAMESPACE, name, (before) => ({ ...before, status: { ...before.status, phase } }));
}

/** Makes every pod Ready and ends those that are to end, until nothing is left to do. */
export async function runToEnd(lab: Lab): Promise<void> {
  for (;;) {
    await lab.settle();
    const before = lab.store.version();
    for (const pod of podsOf(lab)) {
      if (pod.metadata.deletionTimestamp) lab.store.remove('pods', NAMESPACE, pod.metadata.name);
      else if (pod.status?.phase === 'Pending' && pod.spec?.nodeName) setReady(lab, pod.metadata.name);
    }
    if (lab.store.version() === before) return;
  }
}

export const slicesOf = ({ store }: Lab, service: string): EndpointSlice[] =>
  store
    .list('endpointslices', NAMESPACE)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service);

/** `reason: message`, in the order in which they came. */
export const eventsOf = ({ store }: Lab, object: string): string[] =>
  store
    .list('events', NAMESPACE)
    .filter(({ involvedObject }) => involvedObject.name === object)
    .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    .map(({ reason, message }) => `${reason}: ${message}`);
