// An owner's own: what it controls and still selects. What its selector no longer matches is let go, what it matches
// and nobody controls is taken in – so that a pod can be set aside, or put back, by its labels.
import { matchesSelector } from '../label-selector.ts';
import type { Deployment, Kinds, KubeObject, Meta, ReplicaSet } from '../objects.ts';
import type { Store } from '../store.ts';
import { controllerOf, controllerReference } from './objects.ts';

export function claim<N extends 'pods' | 'replicasets'>(
  store: Store,
  resource: N,
  owner: Deployment | ReplicaSet,
): Kinds[N][] {
  const { namespace = '', uid, deletionTimestamp } = owner.metadata;
  const own: Kinds[N][] = [];
  for (const object of store.list(resource, namespace)) {
    const controller = controllerOf(object);
    const matches = matchesSelector(owner.spec?.selector, object.metadata.labels);
    if (controller?.uid === uid) {
      if (matches) own.push(object);
      else if (!deletionTimestamp) setOwners(store, resource, object, withoutOwner(object, uid));
    } else if (!controller && matches && !deletionTimestamp && !object.metadata.deletionTimestamp) {
      const references = [...(object.metadata.ownerReferences ?? []), controllerReference(owner)];
      own.push(setOwners(store, resource, object, references));
    }
  }
  return own;
}

type References = NonNullable<Meta['ownerReferences']>;

const withoutOwner = ({ metadata }: { metadata: Meta }, uid: string): References =>
  (metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);

function setOwners<N extends 'pods' | 'replicasets'>(
  store: Store,
  resource: N,
  { metadata }: Kinds[N],
  references: References,
): Kinds[N] {
  return store.update(resource, metadata.namespace ?? '', metadata.name, (before) => ({
    ...before,
    metadata: withOwners(before, references),
  }));
}

/** The metadata of an object with other owners. */
export function withOwners({ metadata }: KubeObject, references: References): Meta {
  const { ownerReferences: _, ...rest } = metadata;
  return references.length > 0 ? { ...rest, ownerReferences: references } : rest;
}
