// A Deployment's ReplicaSets: the one of its present template, and those of former ones, numbered by revision.
import type { Recorder } from '../../events.ts';
import type { Deployment, ReplicaSet } from '../../objects.ts';
import type { Store } from '../../store.ts';
import { controllerReference } from '../objects.ts';
import { desiredOf, isRecreate, maxSurgeOf } from './bounds.ts';
import { progressing, setCondition } from './conditions.ts';
import { HASH_LABEL, hashOf, isOfTemplate, withHash } from './template.ts';

export type Sets = { newSet: ReplicaSet | undefined; oldSets: ReplicaSet[] };
export type Tools = { store: Store; record: Recorder };

const REVISION = 'deployment.kubernetes.io/revision';
const HISTORY = 'deployment.kubernetes.io/revision-history';
const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const MAXIMUM = 'deployment.kubernetes.io/max-replicas';
/** A Deployment's annotations are its ReplicaSets' too, but for these. */
const NOT_COPIED = ['kubectl.kubernetes.io/last-applied-configuration', REVISION, HISTORY, DESIRED, MAXIMUM];

export const allOf = ({ newSet, oldSets }: Sets): ReplicaSet[] => (newSet ? [...oldSets, newSet] : oldSets);

export const total = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, set) => sum + desiredOf(set), 0);

export function revisionOf({ metadata }: ReplicaSet | Deployment): number {
  return Number(metadata.annotations?.[REVISION] ?? 0) || 0;
}

/** For how many replicas the Deployment asked when it last scaled this one. */
export function desiredWhenScaled({ metadata }: ReplicaSet): number | undefined {
  const value = metadata.annotations?.[DESIRED];
  return value === undefined ? undefined : Number(value);
}
export const maximumWhenScaled = ({ metadata }: ReplicaSet): number =>
  Number(metadata.annotations?.[MAXIMUM] ?? 0);

/** The first of those that have the template, should there be several, is the new one. */
export function split(deployment: Deployment, sets: readonly ReplicaSet[]): Sets {
  const { template } = deployment.spec ?? {};
  const newSet = template && [...sets].sort(byAge).find((set) => isOfTemplate(set, template));
  return { newSet, oldSets: sets.filter((set) => set !== newSet) };
}

export const byAge = (a: ReplicaSet, b: ReplicaSet): number =>
  compare(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
  compare(a.metadata.name, b.metadata.name);

/** The new one gets the next revision, which its Deployment takes over. @returns the sets as they are then. */
export function syncRevision({ store }: Tools, deployment: Deployment, { newSet, oldSets }: Sets): Sets {
  if (!newSet) return { newSet, oldSets };
  const revision = Math.max(0, ...oldSets.map(revisionOf)) + 1;
  const { namespace = '', name } = newSet.metadata;
  const synced = store.update('replicasets', namespace, name, (before) => ({
    ...before,
    metadata: {
      ...before.metadata,
      annotations: {
        ...before.metadata.annotations,
        ...inherited(deployment),
        ...renumbered(before, revision),
      },
    },
    ...(before.spec ? { spec: withMinReady(before.spec, deployment) } : {}),
  }));
  takeRevision(
    store,
    deployment,
    revisionOf(synced),
    `Found new replica set "${name}"`,
    'FoundNewReplicaSet',
  );
  return { newSet: synced, oldSets };
}

/** With as many pods at once as the strategy allows. A name that is taken is counted, and makes another the next time. */
export function createNewSet({ store, record }: Tools, deployment: Deployment, oldSets: ReplicaSet[]): void {
  const { template, selector, minReadySeconds } = deployment.spec ?? {};
  if (!template) return;
  const { name, namespace = '' } = deployment.metadata;
  const hash = hashOf(template, deployment.status?.collisionCount ?? 0);
  const setName = `${name}-${hash}`;
  const taken = store.get('replicasets', namespace, setName);
  if (taken) {
    countCollision(store, deployment);
    return;
  }
  const replicas = newSetSize(deployment, oldSets, undefined);
  const revision = Math.max(0, ...oldSets.map(revisionOf)) + 1;
  const hashed = withHash(template, hash);
  store.create('replicasets', {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: setName,
      namespace,
      labels: hashed.metadata?.labels ?? {},
      annotations: { ...inherited(deployment), ...sizes(deployment), [REVISION]: String(revision) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds ? { minReadySeconds } : {}),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [HASH_LABEL]: hash } },
      template: hashed,
    },
    status: { replicas: 0 },
  });
  if (replicas > 0)
    record(
      deployment,
      'Normal',
      'ScalingReplicaSet',
      `Scaled up replica set ${setName} from 0 to ${replicas}`,
    );
  takeRevision(
    store,
    deployment,
    revision,
    `Created new replica set "${setName}"`,
    'NewReplicaSetCreated',
    true,
  );
}

/** How large the new one may be now. */
export function newSetSize(
  deployment: Deployment,
  oldSets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): number {
  const desired = desiredOf(deployment);
  if (isRecreate(deployment)) return desired;
  const size = newSet ? desiredOf(newSet) : 0;
  const room = desired + maxSurgeOf(deployment) - total(oldSets) - size;
  return room <= 0 ? size : size + Math.min(room, desired - size);
}

/** @returns whether it had another size. */
export function scaleSet(
  { store, record }: Tools,
  deployment: Deployment,
  set: ReplicaSet,
  to: number,
): boolean {
  const { name, namespace = '' } = set.metadata;
  const from = desiredOf(set);
  store.update('replicasets', namespace, name, (before) => ({
    ...before,
    metadata: { ...before.metadata, annotations: { ...before.metadata.annotations, ...sizes(deployment) } },
    ...(before.spec ? { spec: { ...before.spec, replicas: to } } : {}),
  }));
  if (from === to) return false;
  const way = to > from ? 'up' : 'down';
  record(
    deployment,
    'Normal',
    'ScalingReplicaSet',
    `Scaled ${way} replica set ${name} from ${from} to ${to}`,
  );
  return true;
}

const sizes = (deployment: Deployment) => ({
  [DESIRED]: String(desiredOf(deployment)),
  [MAXIMUM]: String(desiredOf(deployment) + maxSurgeOf(deployment)),
});

const inherited = ({ metadata }: Deployment): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.includes(key)));

/** A revision only goes up; the numbers that it had before are kept. */
function renumbered(set: ReplicaSet, revision: number): Record<string, string> {
  const current = revisionOf(set);
  if (current >= revision) return {};
  const history = set.metadata.annotations?.[HISTORY];
  return {
    [REVISION]: String(revision),
    ...(current > 0 ? { [HISTORY]: history ? `${history},${current}` : String(current) } : {}),
  };
}

type SetSpec = NonNullable<ReplicaSet['spec']>;

function withMinReady(spec: SetSpec, deployment: Deployment): SetSpec {
  const { minReadySeconds = 0 } = deployment.spec ?? {};
  return (spec.minReadySeconds ?? 0) === minReadySeconds ? spec : { ...spec, minReadySeconds };
}

function takeRevision(
  store: Store,
  { metadata }: Deployment,
  revision: number,
  message: string,
  reason: string,
  always = false,
): void {
  store.update('deployments', metadata.namespace ?? '', metadata.name, (before) => {
    const known = before.status?.conditions?.some(({ type }) => type === 'Progressing');
    const annotations = { ...before.metadata.annotations, [REVISION]: String(revision) };
    const renumberedDeployment = { ...before, metadata: { ...before.metadata, annotations } };
    return known && !always
      ? renumberedDeployment
      : setCondition(renumberedDeployment, progressing('True', reason, message));
  });
}

function countCollision(store: Store, { metadata }: Deployment): void {
  store.update('deployments', metadata.namespace ?? '', metadata.name, (before) => ({
    ...before,
    status: { ...before.status, collisionCount: (before.status?.collisionCount ?? 0) + 1 },
  }));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
