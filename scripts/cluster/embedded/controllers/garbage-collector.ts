// Takes away what its owners have left behind; before an owner goes, if it says so by a finalizer, its dependents go
// or are let go.
import { deleteObject, type FirstFinalizer } from '../delete-object.ts';
import type { KubeObject, Meta, ResourceName } from '../objects.ts';
import { resources } from '../resources.ts';
import type { Store } from '../store.ts';
import { withOwners } from './claim.ts';
import { createQueue, type Log, type Running } from './queue.ts';

type Place = { resource: ResourceName; namespace: string; name: string };
type References = NonNullable<Meta['ownerReferences']>;

export function startGarbageCollector(store: Store, log: Log): Running {
  const places = new Map<string, Place>();
  /** By the owner's uid, which need not be there (any more). */
  const dependents = new Map<string, Set<string>>();
  const queue = createQueue('garbage-collector', sync, log);

  const read = (uid: string): KubeObject | undefined => {
    const place = places.get(uid);
    return place && store.get(place.resource, place.namespace, place.name);
  };
  const dependentsOf = (uid: string): string[] => [...(dependents.get(uid) ?? [])];

  function sync(uid: string): void {
    const place = places.get(uid);
    const object = read(uid);
    // Gone: each of its dependents may have another owner.
    if (!place || !object) {
      for (const dependent of dependentsOf(uid)) queue.add(dependent);
    } else if (object.metadata.deletionTimestamp) {
      if (has(object, 'orphan')) orphan(uid, place);
      else if (has(object, 'foregroundDeletion')) waitForDependents(uid, place);
    } else {
      collect(uid, place, object);
    }
  }

  function orphan(uid: string, place: Place): void {
    for (const dependent of dependentsOf(uid)) removeOwners(dependent, (owner) => owner.uid === uid);
    removeFinalizer(place, 'orphan');
  }

  function waitForDependents(uid: string, place: Place): void {
    const blocking = dependentsOf(uid).filter((dependent) =>
      read(dependent)?.metadata.ownerReferences?.some(
        (owner) => owner.uid === uid && owner.blockOwnerDeletion,
      ),
    );
    if (blocking.length === 0) removeFinalizer(place, 'foregroundDeletion');
    else for (const dependent of dependentsOf(uid)) queue.add(dependent);
  }

  /** Deletes it when it has had owners and none is left that stays. */
  function collect(uid: string, { resource, namespace, name }: Place, object: KubeObject): void {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const isWaiting = (owner: KubeObject | undefined) =>
      Boolean(owner?.metadata.deletionTimestamp && has(owner, 'foregroundDeletion'));
    const leaving = owners.filter(({ uid: owner }) => !read(owner) || isWaiting(read(owner)));
    if (leaving.length === 0) return;
    if (leaving.length < owners.length) {
      removeOwners(uid, (owner) => leaving.includes(owner));
      return;
    }
    const inForeground =
      owners.some(({ uid: owner }) => isWaiting(read(owner))) && dependentsOf(uid).length > 0;
    deleteObject(store, resource, namespace, name, inForeground ? 'foregroundDeletion' : undefined);
  }

  function removeOwners(uid: string, which: (owner: References[number]) => boolean): void {
    const place = places.get(uid);
    if (!place || !read(uid)) return;
    store.update(place.resource, place.namespace, place.name, (before) => ({
      ...before,
      metadata: withOwners(
        before,
        (before.metadata.ownerReferences ?? []).filter((owner) => !which(owner)),
      ),
    }));
  }

  function removeFinalizer({ resource, namespace, name }: Place, finalizer: FirstFinalizer): void {
    store.update(resource, namespace, name, (before) => ({
      ...before,
      metadata: {
        ...before.metadata,
        finalizers: (before.metadata.finalizers ?? []).filter((other) => other !== finalizer),
      },
    }));
  }

  function learn(resource: ResourceName, { metadata }: KubeObject, before?: KubeObject): void {
    const { uid, namespace = '', name } = metadata;
    places.set(uid, { resource, namespace, name });
    const now = new Set(metadata.ownerReferences?.map((owner) => owner.uid));
    for (const owner of before?.metadata.ownerReferences ?? [])
      if (!now.has(owner.uid)) forgetDependent(owner.uid, uid);
    for (const owner of now) dependents.set(owner, (dependents.get(owner) ?? new Set()).add(uid));
    if (now.size > 0 || metadata.deletionTimestamp) queue.add(uid);
  }

  function forget({ metadata }: KubeObject): void {
    places.delete(metadata.uid);
    for (const owner of metadata.ownerReferences ?? []) forgetDependent(owner.uid, metadata.uid);
    if (dependents.has(metadata.uid)) queue.add(metadata.uid);
  }

  function forgetDependent(owner: string, uid: string): void {
    dependents.get(owner)?.delete(uid);
    if (dependents.get(owner)?.size === 0) dependents.delete(owner);
    if (places.has(owner)) queue.add(owner);
  }

  const unlisten = store.listen(({ type, resource, object, before }) => {
    if (resource === 'events') return;
    if (type === 'DELETED') forget(object);
    else learn(resource, object, before);
  });
  for (const { name } of Object.values(resources)) {
    if (name === 'events') continue;
    for (const object of store.list(name) as KubeObject[]) learn(name, object);
  }

  return {
    stop(): void {
      unlisten();
      queue.stop();
    },
  };
}

const has = ({ metadata }: KubeObject, finalizer: FirstFinalizer): boolean =>
  metadata.finalizers?.includes(finalizer) ?? false;
