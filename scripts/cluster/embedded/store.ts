// All objects of the cluster, in memory, with a version for every change: what etcd is to Kubernetes.
import { randomUUID } from 'node:crypto';
import { alreadyExists, conflict, gone, notFound } from './errors.ts';
import type { Kinds, KubeObject, Meta, NewObject, ResourceName } from './objects.ts';
import { apiVersionOf, resources } from './resources.ts';
import { sameJson } from './same-json.ts';

export type Change<T = KubeObject> = {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  resource: ResourceName;
  /** As it is now; as it was last, when deleted, with the version of the deletion. */
  object: T;
  /** As it was before; absent when added. */
  before?: T;
  version: number;
};

export type Listener = (change: Change) => void;
export type Store = ReturnType<typeof createStore>;

/**
 * Objects are never changed in place: what is read may be kept, and must not be written to.
 *
 * @param changesKept for watches that come back: one that has missed more is told `410 Gone`.
 */
export function createStore({ changesKept = 5000 }: { changesKept?: number } = {}) {
  const objects = new Map<ResourceName, Map<string, KubeObject>>();
  const listeners = new Set<Listener>();
  let changes: Change[] = [];
  let version = 1;
  /** Versions up to this one can no longer be watched from. */
  let forgotten = 0;

  const ofKind = (name: ResourceName) => {
    const known = objects.get(name) ?? new Map<string, KubeObject>();
    objects.set(name, known);
    return known;
  };
  const keyOf = (namespace: string, name: string) => `${namespace}/${name}`;

  function tell(change: Change): void {
    changes.push(change);
    if (changes.length > 2 * changesKept) {
      forgotten = changes[changes.length - changesKept - 1]?.version ?? 0;
      changes = changes.slice(-changesKept);
    }
    for (const listener of listeners) listener(change);
  }

  function put(name: ResourceName, object: KubeObject, before: KubeObject | undefined): KubeObject {
    version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    ofKind(name).set(keyOf(stored.metadata.namespace ?? '', stored.metadata.name), stored);
    tell(
      before
        ? { type: 'MODIFIED', resource: name, object: stored, before, version }
        : { type: 'ADDED', resource: name, object: stored, version },
    );
    return stored;
  }

  return {
    /** The version of the last change. */
    version: () => version,

    get<N extends ResourceName>(name: N, namespace: string, object: string): Kinds[N] | undefined {
      return ofKind(name).get(keyOf(namespace, object)) as Kinds[N] | undefined;
    },
    /** Sorted by namespace and name, as etcd would. @param namespace every one where undefined. */
    list<N extends ResourceName>(name: N, namespace?: string): Kinds[N][] {
      const found = [...ofKind(name)].filter(
        ([, { metadata }]) => namespace === undefined || metadata.namespace === namespace,
      );
      found.sort(([a], [b]) => (a < b ? -1 : 1));
      return found.map(([, object]) => object) as KubeObject[] as Kinds[N][];
    },

    /** @throws ApiError 409 `AlreadyExists`. */
    create<N extends ResourceName>(name: N, object: NewObject<Kinds[N]>): Kinds[N] {
      const resource = resources[name];
      const metadata = object.metadata as Partial<Meta> & { name: string };
      if (ofKind(name).has(keyOf(metadata.namespace ?? '', metadata.name)))
        throw alreadyExists(resource, metadata.name);
      const created = {
        ...object,
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        metadata: {
          ...metadata,
          uid: randomUUID(),
          creationTimestamp: wireTime(new Date()),
          ...(hasGeneration(object) ? { generation: 1 } : {}),
          resourceVersion: '',
        },
      };
      return put(name, created as KubeObject, undefined) as Kinds[N];
    },

    /**
     * Replaces an object by what `change` makes of it; the same object back changes nothing. The generation goes up
     * when the spec is another one. An object that waits for its finalizers only is removed with the last of them.
     *
     * @param expected the version that it must have.
     * @throws ApiError 404; 409 `Conflict` when its version is not the expected one.
     */
    update<N extends ResourceName>(
      name: N,
      namespace: string,
      object: string,
      change: (before: Kinds[N]) => Kinds[N],
      expected?: string,
    ): Kinds[N] {
      const resource = resources[name];
      const before = ofKind(name).get(keyOf(namespace, object));
      if (!before) throw notFound(resource, object);
      if (expected && expected !== before.metadata.resourceVersion) {
        const why =
          'the object has been modified; please apply your changes to the latest version and try again';
        throw conflict(resource, object, why);
      }
      const after = change(before as Kinds[N]) as KubeObject;
      if (after === before || sameButVersion(after, before)) return before as Kinds[N];
      const { generation = 0 } = before.metadata;
      const next = hasGeneration(before) && !sameJson(before.spec, after.spec) ? generation + 1 : generation;
      const metadata = { ...after.metadata, ...(generation ? { generation: next } : {}) };
      const stored = put(name, { ...after, metadata }, before);
      const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = before.metadata;
      // A pod that has time to end is its kubelet's to remove.
      const waits = deletionTimestamp && !deletionGracePeriodSeconds;
      if (waits && finalizers?.length && !metadata.finalizers?.length) {
        this.remove(name, namespace, object);
      }
      return stored as Kinds[N];
    },

    /** At once, whatever its finalizers. @returns whether it was there. */
    remove(name: ResourceName, namespace: string, object: string): boolean {
      const key = keyOf(namespace, object);
      const before = ofKind(name).get(key);
      if (!before) return false;
      ofKind(name).delete(key);
      version += 1;
      const last = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
      tell({ type: 'DELETED', resource: name, object: last, before, version });
      return true;
    },

    /** Tells every change from now on. A listener must not throw. @returns what ends it. */
    listen(listener: Listener): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** Changes after `from`. @throws ApiError 410 when some of them are forgotten. */
    changesSince(from: number): Change[] {
      if (from < forgotten) throw gone(`too old resource version: ${from} (${forgotten})`);
      return changes.filter((change) => change.version > from);
    },
    /** As if it had been up for long: forgets what watches could come back for. */
    compact(): void {
      forgotten = version;
      changes = [];
    },
  };
}

/** Kubernetes' times have steps of a second. */
export const wireTime = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

/** Objects with a desired and an observed state count the changes of the desired one. */
const hasGeneration = (object: { spec?: unknown; kind?: string }): boolean =>
  object.spec !== undefined && object.kind !== 'Namespace' && object.kind !== 'Service';

function sameButVersion(a: KubeObject, b: KubeObject): boolean {
  const plain = (object: KubeObject) => ({
    ...object,
    metadata: { ...object.metadata, resourceVersion: '' },
  });
  return sameJson(plain(a), plain(b));
}
