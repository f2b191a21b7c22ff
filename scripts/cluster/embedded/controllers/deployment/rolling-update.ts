// A rolling update: the new ReplicaSet grows into the surge, the old ones shrink as far as enough pods stay available.
import type { Deployment, ReplicaSet } from '../../objects.ts';
import { desiredOf, maxUnavailableOf } from './bounds.ts';
import { allOf, byAge, newSetSize, type Sets, scaleSet, type Tools, total } from './replica-sets.ts';

/** One step, up or down. @returns whether there was one to take. */
export function stepRollingUpdate(tools: Tools, deployment: Deployment, sets: Sets): boolean {
  return growNew(tools, deployment, sets) || shrinkOld(tools, deployment, sets);
}

function growNew(tools: Tools, deployment: Deployment, { newSet, oldSets }: Sets): boolean {
  const desired = desiredOf(deployment);
  if (!newSet || desiredOf(newSet) === desired) return false;
  const size = desiredOf(newSet) > desired ? desired : newSetSize(deployment, oldSets, newSet);
  return scaleSet(tools, deployment, newSet, size);
}

function shrinkOld(tools: Tools, deployment: Deployment, sets: Sets): boolean {
  const { newSet, oldSets } = sets;
  if (total(oldSets) === 0) return false;
  const minAvailable = desiredOf(deployment) - maxUnavailableOf(deployment);
  const newUnavailable = newSet ? desiredOf(newSet) - availableOf(newSet) : 0;
  const room = total(allOf(sets)) - minAvailable - newUnavailable;

  // What is broken goes first: it costs no availability.
  const sizes = new Map(oldSets.map((set) => [set, desiredOf(set)]));
  const shrink = (by: (set: ReplicaSet, size: number) => number, limit: number) => {
    let left = limit;
    for (const set of [...oldSets].sort(byAge)) {
      const size = sizes.get(set) ?? 0;
      const less = Math.max(0, Math.min(left, by(set, size)));
      sizes.set(set, size - less);
      left -= less;
    }
  };
  shrink((set, size) => size - availableOf(set), room);
  const available = allOf(sets).reduce((sum, set) => sum + availableOf(set), 0);
  shrink((_, size) => size, available - minAvailable);

  const scaled = oldSets.map((set) => {
    const size = sizes.get(set) ?? 0;
    return size !== desiredOf(set) && scaleSet(tools, deployment, set, size);
  });
  return scaled.includes(true);
}

/** Its status may still count pods that it was told to give up. */
const availableOf = (set: ReplicaSet): number => Math.min(set.status?.availableReplicas ?? 0, desiredOf(set));
