// Rolls a Deployment's template out: a ReplicaSet per template, scaled step by step as the strategy says.
import { deleteObject } from '../delete-object.ts';
import { createRecorder } from '../events.ts';
import { matchesSelector } from '../label-selector.ts';
import { type Deployment, hasEnded, type Pod, type ReplicaSet } from '../objects.ts';
import type { Store } from '../store.ts';
import { claim } from './claim.ts';
import { desiredOf, isRecreate } from './deployment/bounds.ts';
import {
  isComplete,
  observed,
  putStatus,
  rolledOut,
  timedOutAtMs,
  withPauseCondition,
} from './deployment/conditions.ts';
import {
  allOf,
  createNewSet,
  revisionOf,
  type Sets,
  scaleSet,
  split,
  syncRevision,
  total,
} from './deployment/replica-sets.ts';
import { stepRollingUpdate } from './deployment/rolling-update.ts';
import { isScaling, scale } from './deployment/scale.ts';
import { controllerOf, keyOf, splitKey } from './objects.ts';
import { createQueue, type Log, type Running } from './queue.ts';

export function startDeploymentController(store: Store, log: Log): Running {
  const tools = { store, record: createRecorder(store, 'deployment-controller') };
  const queue = createQueue('deployment', sync, log);

  function sync(key: string): void {
    const read = () => store.get('deployments', ...splitKey(key));
    const found = read();
    if (!found) return;
    const { namespace = '', name } = found.metadata;
    const claimed = claim(store, 'replicasets', found);
    if (found.metadata.deletionTimestamp) {
      report(found, split(found, claimed));
      return;
    }

    const deployment = store.update('deployments', namespace, name, withPauseCondition);
    const sets = syncRevision(tools, deployment, split(deployment, claimed));
    if (deployment.spec?.paused || (!isRecreate(deployment) && isScaling(deployment, allOf(sets)))) {
      scale(tools, deployment, sets);
      if (deployment.spec?.paused) cleanUp(deployment, sets.oldSets);
      const after = read() ?? deployment;
      report(after, split(after, claim(store, 'replicasets', after)));
      return;
    }
    if (isRecreate(deployment)) recreate(deployment, sets);
    else rollOut(deployment, sets);
    const after = read() ?? deployment;
    const now = split(after, claim(store, 'replicasets', after));
    const status = rolledOut(after, allOf(now), now.newSet);
    if (isComplete(after, status)) cleanUp(after, now.oldSets);
    putStatus(store, after, status);
    const deadlineMs = timedOutAtMs(after, status) - Date.now();
    if (deadlineMs > 0 && Number.isFinite(deadlineMs)) queue.addAfter(key, deadlineMs + 1);
  }

  function rollOut(deployment: Deployment, { newSet, oldSets }: Sets): void {
    if (newSet) stepRollingUpdate(tools, deployment, { newSet, oldSets });
    else createNewSet(tools, deployment, oldSets);
  }

  /** Every old pod is gone before the first new one comes. */
  function recreate(deployment: Deployment, { newSet, oldSets }: Sets): void {
    if (total(oldSets) > 0) {
      for (const set of oldSets) if (desiredOf(set) > 0) scaleSet(tools, deployment, set, 0);
      return;
    }
    if (oldSets.some((set) => podsOf(set).some((pod) => !hasEnded(pod)))) return;
    if (newSet) scaleSet(tools, deployment, newSet, desiredOf(deployment));
    else createNewSet(tools, deployment, oldSets);
  }

  /** With those that are still ending. */
  const podsOf = ({ metadata }: ReplicaSet): Pod[] =>
    store.list('pods', metadata.namespace).filter((pod) => controllerOf(pod)?.uid === metadata.uid);

  /** What it has come to, with no word on the rollout. */
  const report = (deployment: Deployment, sets: Sets): void =>
    putStatus(store, deployment, observed(deployment, allOf(sets), sets.newSet));

  /** Former revisions can be gone back to, as many as are asked for. */
  function cleanUp(deployment: Deployment, oldSets: readonly ReplicaSet[]): void {
    const alive = oldSets.filter(({ metadata }) => !metadata.deletionTimestamp);
    const surplus = alive.length - (deployment.spec?.revisionHistoryLimit ?? 10);
    if (surplus <= 0) return;
    for (const set of alive.sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, surplus)) {
      const { generation = 0, namespace = '', name } = set.metadata;
      const settled = generation <= (set.status?.observedGeneration ?? 0);
      if (settled && (set.status?.replicas ?? 0) === 0 && desiredOf(set) === 0)
        deleteObject(store, 'replicasets', namespace, name);
    }
  }

  const unlisten = store.listen(({ type, resource, object, before }) => {
    const { namespace = '' } = object.metadata;
    if (resource === 'deployments') queue.add(keyOf(object));
    if (resource === 'replicasets') {
      const owners = [controllerOf(object), before && controllerOf(before)];
      for (const owner of owners) if (owner?.kind === 'Deployment') queue.add(`${namespace}/${owner.name}`);
      if (owners[0]) return;
      for (const deployment of store.list('deployments', namespace))
        if (matchesSelector(deployment.spec?.selector, object.metadata.labels)) queue.add(keyOf(deployment));
    }
    // Recreate waits for the last of the old pods.
    if (resource === 'pods' && type === 'DELETED') {
      const set = store.get('replicasets', namespace, controllerOf(object)?.name ?? '');
      const owner = set && controllerOf(set);
      if (owner) queue.add(`${namespace}/${owner.name}`);
    }
  });
  for (const deployment of store.list('deployments')) queue.add(keyOf(deployment));

  return {
    stop(): void {
      unlisten();
      queue.stop();
    },
  };
}
