// A cluster as the network sees it: Services, EndpointSlices, pods and nodes, put into a store by hand.
import type { EndpointSlice, Service } from '../../../scripts/cluster/embedded/objects.ts';
import { createStore, type Store } from '../../../scripts/cluster/embedded/store.ts';

type Endpoints = NonNullable<EndpointSlice['endpoints']>;
type ServiceSpec = NonNullable<Service['spec']>;

export const NS = 'lab';
export const GRPC = { name: 'grpc', port: 50051, protocol: 'TCP' };

export function testStore(): Store {
  const store = createStore();
  store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NS } });
  return store;
}

export const putService = (store: Store, name: string, spec: ServiceSpec, namespace = NS): Service =>
  store.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { ports: [GRPC], ...spec },
  });

/** Ready, on one address. */
export const endpoint = (address: string, more: Partial<Endpoints[number]> = {}): Endpoints[number] => ({
  addresses: [address],
  conditions: { ready: true, serving: true, terminating: false },
  ...more,
});

export const notReady = { conditions: { ready: false, serving: false, terminating: false } };
export const leaving = { conditions: { ready: false, serving: true, terminating: true } };

/** Creates a slice of a Service, or gives it other endpoints. */
export function putSlice(
  store: Store,
  service: string,
  endpoints: Endpoints,
  { name = `${service}-1`, ports = [GRPC] }: { name?: string; ports?: EndpointSlice['ports'] & object } = {},
): EndpointSlice {
  if (store.get('endpointslices', NS, name))
    return store.update('endpointslices', NS, name, (before) => ({ ...before, endpoints, ports }));
  return store.create('endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: NS, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints,
    ports,
  });
}

export function putNode(store: Store, name: string, zone: string): void {
  const labels = { 'topology.kubernetes.io/zone': zone };
  store.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
}

export function putPod(store: Store, name: string, podIP: string, nodeName: string): void {
  store.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NS },
    spec: { nodeName, containers: [] },
    status: { podIP, phase: 'Running' },
  });
}
