// Keeps as many pods as a ReplicaSet wants.
import { deletePod } from '../delete-pod.ts';
import { ApiError } from '../errors.ts';
import { createRecorder } from '../events.ts';
import { matchesSelector } from '../label-selector.ts';
import { randomSuffix } from '../names.ts';
import type { NewObject, Pod, ReplicaSet } from '../objects.ts';
import { type Store, wireTime } from '../store.ts';
import { claim } from './claim.ts';
import { controllerOf, controllerReference, keyOf, splitKey } from './objects.ts';
import { availableAtMs, essenceOf, isActive, isReady } from './pods.ts';
import { podsToDelete } from './pods-to-delete.ts';
import { createQueue, type Log, type Running } from './queue.ts';

/** What the API does to every pod that is created; it may refuse it. */
export type AdmitPod = (pod: NewObject<Pod>) => NewObject<Pod>;

type Status = NonNullable<ReplicaSet['status']>;

/** Pods that are created or deleted in one go, as in Kubernetes: others must have their turn too. */
const MOST_AT_ONCE = 500;

export function startReplicaSetController(store: Store, log: Log, admitPod: AdmitPod): Running {
  const record = createRecorder(store, 'replicaset-controller');
  const queue = createQueue('replica-set', sync, log);

  function sync(key: string): void {
    const set = store.get('replicasets', ...splitKey(key));
    if (!set) return;
    const pods = claim(store, 'pods', set).filter(isActive);
    let failure: unknown;
    let changed = false;
    try {
      changed = !set.metadata.deletionTimestamp && manage(set, pods);
    } catch (error) {
      failure = error;
      changed = true;
    }
    // Its status is of what is there now: whoever reads it acts on it.
    const current = changed ? claim(store, 'pods', set).filter(isActive) : pods;
    setStatus(set, current, failure);
    if (failure) throw failure;
  }

  /** @returns whether it created or deleted any. */
  function manage(set: ReplicaSet, pods: Pod[]): boolean {
    const missing = wanted(set) - pods.length;
    const now = Math.min(Math.abs(missing), MOST_AT_ONCE);
    for (let created = 0; missing > 0 && created < now; created += 1) create(set);
    if (missing < 0) {
      const goners = podsToDelete(pods, relatedPods(set), now, Date.now());
      for (const { metadata } of goners) {
        deletePod(store, metadata.namespace ?? '', metadata.name);
        record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${metadata.name}`);
      }
    }
    if (now < Math.abs(missing)) queue.add(keyOf(set));
    return missing !== 0;
  }

  function create(set: ReplicaSet): void {
    const namespace = set.metadata.namespace ?? '';
    if (store.get('namespaces', '', namespace)?.metadata.deletionTimestamp) return;
    const { metadata: { labels, annotations, finalizers } = {}, spec } = set.spec?.template ?? {};
    try {
      const pod = store.create(
        'pods',
        admitPod({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: {
            name: freeName(set),
            generateName: `${set.metadata.name}-`,
            namespace,
            ...(labels ? { labels } : {}),
            ...(annotations ? { annotations } : {}),
            ...(finalizers ? { finalizers } : {}),
            ownerReferences: [controllerReference(set)],
          },
          ...(spec ? { spec } : {}),
          status: { phase: 'Pending', qosClass: 'BestEffort' },
        }),
      );
      record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      if (error instanceof ApiError)
        record(set, 'Warning', 'FailedCreate', `Error creating: ${error.message}`);
      throw error;
    }
  }

  function freeName({ metadata }: ReplicaSet): string {
    for (;;) {
      const name = `${metadata.name}-${randomSuffix()}`;
      if (!store.get('pods', metadata.namespace ?? '', name)) return name;
    }
  }

  /** The pods of every ReplicaSet that has the same owner. */
  function relatedPods(set: ReplicaSet): Pod[] {
    const { namespace } = set.metadata;
    const owner = controllerOf(set)?.uid;
    const sets = store
      .list('replicasets', namespace)
      .filter((other) => other === set || (owner && controllerOf(other)?.uid === owner));
    const owners = new Set(sets.map(({ metadata }) => metadata.uid));
    return store.list('pods', namespace).filter((pod) => owners.has(controllerOf(pod)?.uid ?? ''));
  }

  function setStatus(set: ReplicaSet, pods: Pod[], failure: unknown): void {
    const { minReadySeconds = 0, template } = set.spec ?? {};
    const nowMs = Date.now();
    const availableAt = pods.map((pod) => availableAtMs(pod, minReadySeconds) ?? Number.POSITIVE_INFINITY);
    const next = Math.min(...availableAt.filter((atMs) => atMs > nowMs));
    if (Number.isFinite(next)) queue.addAfter(keyOf(set), next - nowMs + 1);

    const templateLabels = { matchLabels: template?.metadata?.labels ?? {} };
    const conditions = conditionsOf(set, pods, failure);
    const status: Status = {
      replicas: pods.length,
      ...counted(
        'fullyLabeledReplicas',
        pods.filter(({ metadata }) => matchesSelector(templateLabels, metadata.labels)).length,
      ),
      ...counted('readyReplicas', pods.filter(isReady).length),
      ...counted('availableReplicas', availableAt.filter((atMs) => atMs <= nowMs).length),
      observedGeneration: set.metadata.generation ?? 0,
      ...(conditions.length > 0 ? { conditions } : {}),
    };
    store.update('replicasets', set.metadata.namespace ?? '', set.metadata.name, (before) => ({
      ...before,
      status,
    }));
  }

  const unlisten = store.listen(({ type, resource, object, before }) => {
    if (resource === 'replicasets') queue.add(keyOf(object));
    if (resource !== 'pods') return;
    const [pod, previous] = [object as Pod, before as Pod | undefined];
    if (type === 'MODIFIED' && previous && essenceOf(pod) === essenceOf(previous)) return;
    const { namespace = '' } = pod.metadata;
    const owners = [controllerOf(pod), previous && controllerOf(previous)];
    for (const owner of owners) if (owner?.kind === 'ReplicaSet') queue.add(`${namespace}/${owner.name}`);
    if (owners[0]) return;
    // Nobody's: for whom it could be.
    for (const set of store.list('replicasets', namespace))
      if (matchesSelector(set.spec?.selector, pod.metadata.labels)) queue.add(keyOf(set));
  });
  for (const set of store.list('replicasets')) queue.add(keyOf(set));

  return {
    stop(): void {
      unlisten();
      queue.stop();
    },
  };
}

const wanted = ({ spec }: ReplicaSet): number => spec?.replicas ?? 1;

/** Kubernetes leaves a count of zero out. */
const counted = (name: keyof Status, count: number): Partial<Status> => (count > 0 ? { [name]: count } : {});

function conditionsOf(set: ReplicaSet, pods: Pod[], failure: unknown): NonNullable<Status['conditions']> {
  const others = (set.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  if (!failure) return others;
  const before = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  if (before) return [...others, before];
  const condition = {
    type: 'ReplicaFailure',
    status: 'True',
    reason: pods.length < wanted(set) ? 'FailedCreate' : 'FailedDelete',
    message: failure instanceof Error ? failure.message : String(failure),
    lastTransitionTime: wireTime(new Date()),
  };
  return [...others, condition];
}
