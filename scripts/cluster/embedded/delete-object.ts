// What a DELETE of any object is to the store: pods end gracefully, what has finalizers waits for them.

import { deletePod } from './delete-pod.ts';
import type { KubeObject, ResourceName } from './objects.ts';
import { type Store, wireTime } from './store.ts';

/** What is done first: its dependents go before it, or lose it as their owner. */
export type FirstFinalizer = 'foregroundDeletion' | 'orphan';

/** @param graceSeconds of a pod; as its spec says where undefined. */
export function deleteObject(
  store: Store,
  resource: ResourceName,
  namespace: string,
  name: string,
  finalizer?: FirstFinalizer,
  graceSeconds?: number,
): void {
  if (finalizer && !read(store, resource, namespace, name)?.metadata.finalizers?.includes(finalizer)) {
    store.update(resource, namespace, name, (before) => ({
      ...before,
      metadata: { ...before.metadata, finalizers: [...(before.metadata.finalizers ?? []), finalizer] },
    }));
  }
  const object = read(store, resource, namespace, name);
  if (!object) return;
  if (resource === 'pods') {
    deletePod(store, namespace, name, graceSeconds);
  } else if (!object.metadata.finalizers?.length) {
    store.remove(resource, namespace, name);
  } else if (!object.metadata.deletionTimestamp) {
    store.update(resource, namespace, name, (before) => ({
      ...before,
      metadata: {
        ...before.metadata,
        deletionTimestamp: wireTime(new Date()),
        deletionGracePeriodSeconds: 0,
      },
    }));
  }
}

const read = (
  store: Store,
  resource: ResourceName,
  namespace: string,
  name: string,
): KubeObject | undefined => store.get(resource, namespace, name);
