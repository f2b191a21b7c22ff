// What a pod's status says, as the controllers read it.
import { hasEnded, type Pod } from '../objects.ts';

export const isReady = (pod: Pod): boolean => readyCondition(pod)?.status === 'True';

/** Since when it is Ready; undefined when it is not. */
export function readySinceMs(pod: Pod): number | undefined {
  const condition = readyCondition(pod);
  if (condition?.status !== 'True') return undefined;
  return Date.parse(condition.lastTransitionTime ?? pod.metadata.creationTimestamp);
}

/** When it has been Ready for long enough, if it stays so; undefined when it is not Ready. */
export function availableAtMs(pod: Pod, minReadySeconds: number): number | undefined {
  const sinceMs = readySinceMs(pod);
  return sinceMs === undefined ? undefined : sinceMs + minReadySeconds * 1000;
}

/** It runs or will run: one of those that a ReplicaSet counts. */
export const isActive = (pod: Pod): boolean => !hasEnded(pod) && !pod.metadata.deletionTimestamp;

export const readyCondition = ({ status }: Pod) => status?.conditions?.find(({ type }) => type === 'Ready');

/** All that the controllers look at: a change that leaves it as it was is none for them. */
export const essenceOf = (pod: Pod): string =>
  JSON.stringify([
    pod.metadata.uid,
    pod.metadata.labels,
    pod.metadata.ownerReferences,
    pod.metadata.deletionTimestamp,
    pod.spec?.nodeName,
    pod.status?.phase,
    pod.status?.podIP,
    readyCondition(pod),
  ]);
