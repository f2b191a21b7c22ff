// Another number of replicas, in the midst of a rollout or not: each ReplicaSet gets its share.
import type { Deployment, ReplicaSet } from '../../objects.ts';
import { desiredOf, isRecreate, maxSurgeOf } from './bounds.ts';
import {
  allOf,
  byAge,
  desiredWhenScaled,
  maximumWhenScaled,
  type Sets,
  scaleSet,
  type Tools,
  total,
} from './replica-sets.ts';

const isActive = (set: ReplicaSet): boolean => desiredOf(set) > 0;

/** Whether the number was changed since the ReplicaSets were scaled last. */
export const isScaling = (deployment: Deployment, sets: readonly ReplicaSet[]): boolean =>
  sets.filter(isActive).some((set) => {
    const before = desiredWhenScaled(set);
    return before !== undefined && before !== desiredOf(deployment);
  });

export function scale(tools: Tools, deployment: Deployment, sets: Sets): void {
  const { newSet, oldSets } = sets;
  const desired = desiredOf(deployment);
  const only = activeOrLatest(sets);
  if (only) {
    scaleSet(tools, deployment, only, desired);
  } else if (newSet && isSaturated(deployment, newSet)) {
    for (const set of oldSets.filter(isActive)) scaleSet(tools, deployment, set, 0);
  } else if (!isRecreate(deployment)) {
    scaleInProportion(tools, deployment, allOf(sets).filter(isActive));
  }
}

/** The one ReplicaSet to scale when there is no more than one with pods. */
function activeOrLatest({ newSet, oldSets }: Sets): ReplicaSet | undefined {
  const active = allOf({ newSet, oldSets }).filter(isActive);
  if (active.length > 1) return undefined;
  return active[0] ?? newSet ?? [...oldSets].sort(byAge).at(-1);
}

const isSaturated = (deployment: Deployment, set: ReplicaSet): boolean =>
  desiredOf(set) === desiredOf(deployment) &&
  desiredWhenScaled(set) === desiredOf(deployment) &&
  (set.status?.availableReplicas ?? 0) === desiredOf(deployment);

/** Larger ones first, each in proportion to its size; what rounding leaves over is the first one's. */
function scaleInProportion(tools: Tools, deployment: Deployment, sets: ReplicaSet[]): void {
  const desired = desiredOf(deployment);
  const allowed = desired > 0 ? desired + maxSurgeOf(deployment) : 0;
  const toAdd = allowed - total(sets);
  const sorted = [...sets].sort(
    (a, b) => desiredOf(b) - desiredOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)),
  );
  let added = 0;
  const sizes = sorted.map((set) => {
    const share = toAdd === 0 ? 0 : shareOf(deployment, set, toAdd - added, allowed);
    added += share;
    return desiredOf(set) + share;
  });
  for (const [index, set] of sorted.entries()) {
    const leftOver = index === 0 ? toAdd - added : 0;
    scaleSet(tools, deployment, set, Math.max(0, (sizes[index] ?? 0) + leftOver));
  }
}

function shareOf(deployment: Deployment, set: ReplicaSet, left: number, maximum: number): number {
  const size = desiredOf(set);
  if (left === 0) return 0;
  if (desiredOf(deployment) === 0) return Math.max(-size, left);
  const before = maximumWhenScaled(set) || maximum;
  const share = Math.round((size * maximum) / before) - size;
  return left > 0 ? Math.min(share, left) : Math.max(share, left);
}
