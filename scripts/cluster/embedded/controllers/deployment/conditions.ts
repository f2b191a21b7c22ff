// A Deployment's conditions and status, by which `kubectl rollout status` tells how far it is.
import type { Deployment, ReplicaSet } from '../../objects.ts';
import { type Store, wireTime } from '../../store.ts';
import { desiredOf, maxUnavailableOf } from './bounds.ts';

type Status = NonNullable<Deployment['status']>;
type Condition = NonNullable<Status['conditions']>[number];

const NO_DEADLINE = 2 ** 31 - 1;
const TIMED_OUT = 'ProgressDeadlineExceeded';

export const conditionOf = (status: Status | undefined, type: string): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);

export const progressing = (status: string, reason: string, message: string): Condition =>
  newCondition('Progressing', status, reason, message);

export function newCondition(type: string, status: string, reason: string, message: string): Condition {
  const now = wireTime(new Date());
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

export const hasDeadline = ({ spec }: Deployment): boolean =>
  (spec?.progressDeadlineSeconds ?? 600) !== NO_DEADLINE;

/** The deployment with a condition, where progress is looked at at all. */
export const setCondition = (deployment: Deployment, condition: Condition): Deployment =>
  hasDeadline(deployment)
    ? { ...deployment, status: withCondition(deployment.status ?? {}, condition) }
    : deployment;

/** A condition of the same status and reason is left as it is. */
function withCondition(status: Status, condition: Condition): Status {
  const before = conditionOf(status, condition.type);
  if (before?.status === condition.status && before.reason === condition.reason) return status;
  const kept =
    before?.status === condition.status && before.lastTransitionTime
      ? { ...condition, lastTransitionTime: before.lastTransitionTime }
      : condition;
  return {
    ...without(status, condition.type),
    conditions: [...(without(status, condition.type).conditions ?? []), kept],
  };
}

const without = (status: Status, type: string): Status => ({
  ...status,
  conditions: (status.conditions ?? []).filter((condition) => condition.type !== type),
});

/** What the ReplicaSets have come to. */
export function observed(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): Status {
  const sum = (name: 'replicas' | 'readyReplicas' | 'availableReplicas') =>
    sets.reduce((total, { status }) => total + (status?.[name] ?? 0), 0);
  const replicas = sum('replicas');
  const available = sum('availableReplicas');
  const { collisionCount, conditions } = deployment.status ?? {};
  const status: Status = {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...counted('replicas', replicas),
    ...counted('updatedReplicas', newSet?.status?.replicas ?? 0),
    ...counted('readyReplicas', sum('readyReplicas')),
    ...counted('availableReplicas', available),
    ...counted('unavailableReplicas', Math.max(0, replicas - available)),
    ...(collisionCount ? { collisionCount } : {}),
    ...(conditions ? { conditions } : {}),
  };
  const enough = available >= desiredOf(deployment) - maxUnavailableOf(deployment);
  return withCondition(
    status,
    enough
      ? newCondition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
      : newCondition(
          'Available',
          'False',
          'MinimumReplicasUnavailable',
          'Deployment does not have minimum availability.',
        ),
  );
}

const counted = (name: keyof Status, count: number): Partial<Status> => (count > 0 ? { [name]: count } : {});

export function isComplete(deployment: Deployment, status: Status): boolean {
  const desired = desiredOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** The status of a rollout: complete, on its way, or over its deadline. */
export function rolledOut(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): Status {
  const status = observed(deployment, sets, newSet);
  const withFailure = withReplicaFailure(status, sets, newSet);
  if (!hasDeadline(deployment)) return without(withFailure, 'Progressing');
  const current = conditionOf(deployment.status, 'Progressing');
  const done =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable';
  if (done) return withFailure;
  const subject = newSet
    ? `ReplicaSet "${newSet.metadata.name}"`
    : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, status))
    return withCondition(
      withFailure,
      progressing('True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`),
    );
  if (hasProgressed(deployment.status ?? {}, status)) {
    const condition = progressing('True', 'ReplicaSetUpdated', `${subject} is progressing.`);
    const since = current?.status === 'True' ? current.lastTransitionTime : undefined;
    const moved = since ? { ...condition, lastTransitionTime: since } : condition;
    // Anew even if it is the same: the deadline counts from its last update.
    return withCondition(without(withFailure, 'Progressing'), moved);
  }
  if (timedOutAtMs(deployment, status) <= Date.now())
    return withCondition(
      withFailure,
      progressing('False', TIMED_OUT, `${subject} has timed out progressing.`),
    );
  return withFailure;
}

function hasProgressed(before: Status, now: Status): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: Status) => replicas - updatedReplicas;
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** When it is, or was, over its deadline; infinity when there is none to look at. */
export function timedOutAtMs(deployment: Deployment, status: Status | undefined): number {
  const condition = conditionOf(status, 'Progressing');
  if (!hasDeadline(deployment) || !condition || condition.reason === 'NewReplicaSetAvailable')
    return Number.POSITIVE_INFINITY;
  if (condition.reason === TIMED_OUT) return 0;
  const { progressDeadlineSeconds = 600 } = deployment.spec ?? {};
  return Date.parse(condition.lastUpdateTime ?? '') + progressDeadlineSeconds * 1000;
}

/** Pods that could not be created are the Deployment's failure too. */
function withReplicaFailure(
  status: Status,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): Status {
  const ordered = newSet ? [newSet, ...sets] : sets;
  const failure = ordered
    .flatMap((set) => set.status?.conditions ?? [])
    .find(({ type, status: is }) => type === 'ReplicaFailure' && is === 'True');
  if (!failure) return conditionOf(status, 'ReplicaFailure') ? without(status, 'ReplicaFailure') : status;
  return withCondition(
    status,
    newCondition('ReplicaFailure', 'True', failure.reason ?? '', failure.message ?? ''),
  );
}

/** @returns the paused or resumed deployment with a word on it; one that is over its deadline stays so. */
export function withPauseCondition(deployment: Deployment): Deployment {
  const condition = conditionOf(deployment.status, 'Progressing');
  const { paused } = deployment.spec ?? {};
  const known = condition?.reason === 'DeploymentPaused';
  if (condition?.reason === TIMED_OUT || known === Boolean(paused)) return deployment;
  return setCondition(
    deployment,
    paused
      ? progressing('Unknown', 'DeploymentPaused', 'Deployment is paused')
      : progressing('Unknown', 'DeploymentResumed', 'Deployment is resumed'),
  );
}

export const putStatus = (store: Store, { metadata }: Deployment, status: Status): void => {
  store.update('deployments', metadata.namespace ?? '', metadata.name, (before) => ({ ...before, status }));
};
