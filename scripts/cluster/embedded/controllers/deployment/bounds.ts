// How many pods a Deployment may have too many, or too few, while it rolls out.
import type { Deployment, ReplicaSet } from '../../objects.ts';

export const desiredOf = ({ spec }: Deployment | ReplicaSet): number => spec?.replicas ?? 1;

export const isRecreate = ({ spec }: Deployment): boolean => spec?.strategy?.type === 'Recreate';

export const maxSurgeOf = (deployment: Deployment): number =>
  isRecreate(deployment) ? 0 : fenceposts(deployment).surge;

export function maxUnavailableOf(deployment: Deployment): number {
  const desired = desiredOf(deployment);
  if (isRecreate(deployment) || desired === 0) return 0;
  return Math.min(fenceposts(deployment).unavailable, desired);
}

function fenceposts(deployment: Deployment): { surge: number; unavailable: number } {
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const desired = desiredOf(deployment);
  const surge = scaled(maxSurge, desired, Math.ceil);
  const unavailable = scaled(maxUnavailable, desired, Math.floor);
  // Rounding may leave room for neither, and the rollout would never start.
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

const scaled = (value: number | string, of: number, round: (exact: number) => number): number =>
  typeof value === 'number' ? value : round((Number.parseInt(value, 10) * of) / 100);
