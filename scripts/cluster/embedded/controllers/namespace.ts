// What every namespace starts with, and how one ends: with everything in it.
import { deleteObject } from '../delete-object.ts';
import type { KubeObject, Namespace, ResourceName } from '../objects.ts';
import { resources } from '../resources.ts';
import type { Store } from '../store.ts';
import { createQueue, type Log, type Running } from './queue.ts';

const ROOT_CA = 'kube-root-ca.crt';
const ABOUT_ROOT_CA =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** Owners before what they own, or they would make it anew; pods last, as they take their time. */
const ORDER: ResourceName[] = [
  'deployments',
  'replicasets',
  'services',
  'endpointslices',
  ...Object.values(resources)
    .filter(({ namespaced }) => namespaced)
    .map(({ name }) => name)
    .filter((name) => !['deployments', 'replicasets', 'services', 'endpointslices', 'pods'].includes(name)),
  'pods',
];

/** @param caCertificate PEM, by which pods know the API server. */
export function startNamespaceController(store: Store, log: Log, caCertificate: string): Running {
  const queue = createQueue('namespace', sync, log);

  function sync(name: string): void {
    const namespace = store.get('namespaces', '', name);
    if (!namespace) return;
    if (namespace.metadata.deletionTimestamp) end(namespace);
    else furnish(name);
  }

  function furnish(namespace: string): void {
    if (!store.get('serviceaccounts', namespace, 'default'))
      store.create('serviceaccounts', {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace },
      });
    const data = { 'ca.crt': caCertificate };
    const known = store.get('configmaps', namespace, ROOT_CA);
    if (!known) {
      const annotations = { 'kubernetes.io/description': ABOUT_ROOT_CA };
      store.create('configmaps', {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: ROOT_CA, namespace, annotations },
        data,
      });
    } else if (known.data?.['ca.crt'] !== caCertificate) {
      store.update('configmaps', namespace, ROOT_CA, (before) => ({ ...before, data }));
    }
  }

  function end({ metadata: { name }, status }: Namespace): void {
    if (status?.phase !== 'Terminating')
      store.update('namespaces', '', name, (before) => ({
        ...before,
        status: { ...before.status, phase: 'Terminating' },
      }));
    for (const resource of ORDER)
      for (const { metadata } of contents(resource, name)) deleteObject(store, resource, name, metadata.name);
    if (ORDER.every((resource) => contents(resource, name).length === 0))
      store.remove('namespaces', '', name);
  }

  const contents = (resource: ResourceName, namespace: string): KubeObject[] =>
    store.list(resource, namespace);

  const unlisten = store.listen(({ type, resource, object }) => {
    if (resource === 'namespaces') queue.add(object.metadata.name);
    const { namespace = '', name } = object.metadata;
    const isFurniture =
      (resource === 'serviceaccounts' && name === 'default') ||
      (resource === 'configmaps' && name === ROOT_CA);
    const ends = Boolean(store.get('namespaces', '', namespace)?.metadata.deletionTimestamp);
    if (ends || (isFurniture && type !== 'ADDED')) queue.add(namespace);
  });
  for (const { metadata } of store.list('namespaces')) queue.add(metadata.name);

  return {
    stop(): void {
      unlisten();
      queue.stop();
    },
  };
}
