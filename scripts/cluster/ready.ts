// Waiting for a cluster, with the reason when it will never come.
import type { V1ContainerStatus, V1Deployment, V1Node, V1Pod } from '@kubernetes/client-node';
import { LabError, messageOf } from '../common/errors.ts';
import { lastLines } from '../common/run.ts';
import { type Poll, waitFor } from '../common/wait.ts';
import { type ClusterApi, statusOf } from './api.ts';
import { NAMESPACE } from './lab.ts';
import type { Work } from './provider.ts';

/** Reasons for which a container will not start however long one waits. Source: Kubernetes, pkg/kubelet/images and kuberuntime. */
const HOPELESS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CrashLoopBackOff',
]);
/** The kubelet tries these again, and may succeed: on a busy node it is late with a Secret that is there. */
const RETRIED = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);
const RETRIED_MS = 15_000;

/** Annotation by which the Deployment controller numbers rollouts. */
const REVISION = 'deployment.kubernetes.io/revision';

/** Waits until `count` nodes are there and all of them are Ready. */
export async function nodesReady(api: ClusterApi, count: number, work: Work): Promise<string> {
  const poll = async (): Promise<Poll<string>> => {
    const nodes = (await api.core.listNode()).items;
    const unready = nodes.filter((node) => !isNodeReady(node)).map((node) => node.metadata?.name);
    if (nodes.length < count) return { waiting: `${nodes.length} of ${count} nodes have joined` };
    return unready.length > 0
      ? { waiting: `NotReady: ${unready.join(', ')}` }
      : { done: `${nodes.length} nodes` };
  };
  return waitFor('all nodes Ready', tolerant(poll), {
    timeoutMs: 180_000,
    signal: work.signal,
    onWaiting: work.say,
  });
}

/** Where kind puts what a cluster needs. Pods elsewhere are somebody's, and may be broken on purpose. */
const SYSTEM_NAMESPACES = new Set(['kube-system', 'local-path-storage']);

/** Waits until every pod of kube-system and local-path-storage is Ready. */
export async function systemPodsReady(api: ClusterApi, work: Work): Promise<string> {
  const poll = async (): Promise<Poll<string>> => {
    const pods = (await api.core.listPodForAllNamespaces()).items.filter(
      ({ metadata, status }) =>
        SYSTEM_NAMESPACES.has(metadata?.namespace ?? '') && status?.phase !== 'Succeeded',
    );
    const unready = pods.filter((pod) => !isPodReady(pod)).map((pod) => pod.metadata?.name);
    if (pods.length === 0) return { waiting: 'there is no pod yet' };
    return unready.length > 0
      ? { waiting: `not Ready: ${unready.join(', ')}` }
      : { done: `${pods.length} pods` };
  };
  return waitFor('all system pods Ready', tolerant(poll), {
    timeoutMs: 180_000,
    signal: work.signal,
    onWaiting: work.say,
  });
}

/**
 * Waits until the Deployments that `labelSelector` selects have all their replicas, updated and Ready, and no others.
 *
 * @throws LabError `failed` as soon as a pod crashes, or its image cannot be had, with its last log lines.
 */
export async function deploymentsReady(
  api: ClusterApi,
  labelSelector: string,
  work: Work,
  timeoutMs = 120_000,
): Promise<string> {
  const retriedSince = new Map<string, number>();
  const poll = async (): Promise<Poll<string>> => {
    const deployments = (await api.apps.listNamespacedDeployment({ namespace: NAMESPACE, labelSelector }))
      .items;
    if (deployments.length > 0 && deployments.every(isRolledOut)) {
      const replicas = deployments.reduce((sum, { spec }) => sum + (spec?.replicas ?? 0), 0);
      return { done: `${replicas} pods` };
    }
    await throwIfHopeless(api, await currentPods(api, deployments, labelSelector), retriedSince);
    return { waiting: deployments.map(progressOf).join(', ') || 'there is no Deployment' };
  };
  return waitFor('all pods Ready', tolerant(poll), { timeoutMs, signal: work.signal, onWaiting: work.say });
}

/** Longer than an API server takes to start again. */
const LONGEST_SILENCE_MS = 30_000;

/**
 * An API server may be away for a moment, above all while its cluster starts: that is waiting, not failure.
 *
 * @throws LabError `lost` when it has been away for long.
 */
function tolerant<T>(poll: () => Promise<Poll<T>>): () => Promise<Poll<T>> {
  let silentSinceMs: number | undefined;
  return async () => {
    try {
      const answer = await poll();
      silentSinceMs = undefined;
      return answer;
    } catch (error) {
      if (error instanceof LabError || statusOf(error) !== undefined) throw error;
      silentSinceMs ??= performance.now();
      if (performance.now() - silentSinceMs > LONGEST_SILENCE_MS)
        throw new LabError('lost', `the API server does not answer any more: ${messageOf(error)}`, {
          cause: error,
        });
      return { waiting: `the API server does not answer (${String(error).split('\n')[0]})` };
    }
  };
}

/** The controller has seen the last change. */
const isObserved = ({ metadata, status }: V1Deployment): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);

/** Every pod is of the last rollout and available, and none is left of an earlier one that counts. */
export function isRolledOut(deployment: V1Deployment): boolean {
  const { spec, status } = deployment;
  const wanted = spec?.replicas ?? 1;
  return (
    isObserved(deployment) &&
    (status?.updatedReplicas ?? 0) === wanted &&
    (status?.availableReplicas ?? 0) === wanted &&
    (status?.replicas ?? 0) === wanted
  );
}

/** Pods of the last rollout: those of an earlier one may crash until they are replaced. */
async function currentPods(
  api: ClusterApi,
  deployments: readonly V1Deployment[],
  labelSelector: string,
): Promise<V1Pod[]> {
  const [replicaSets, pods] = await Promise.all([
    api.apps.listNamespacedReplicaSet({ namespace: NAMESPACE, labelSelector }),
    api.core.listNamespacedPod({ namespace: NAMESPACE, labelSelector }),
  ]);
  const revisions = new Map(
    deployments.filter(isObserved).map(({ metadata }) => [metadata?.uid, metadata?.annotations?.[REVISION]]),
  );
  const current = replicaSets.items.filter(({ metadata }) =>
    metadata?.ownerReferences?.some(({ uid }) => revisions.get(uid) === metadata.annotations?.[REVISION]),
  );
  const uids = new Set(current.map(({ metadata }) => metadata?.uid));
  return pods.items.filter(({ metadata }) => metadata?.ownerReferences?.some(({ uid }) => uids.has(uid)));
}

const progressOf = ({ metadata, spec, status }: V1Deployment): string =>
  `${metadata?.name}: ${status?.readyReplicas ?? 0} of ${spec?.replicas ?? 1} Ready`;

export const isNodeReady = (node: V1Node): boolean => isTrue(node.status?.conditions, 'Ready');

export const isPodReady = (pod: V1Pod): boolean => isTrue(pod.status?.conditions, 'Ready');

const isTrue = (conditions: readonly { type: string; status: string }[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

/**
 * Why a pod will never be Ready; undefined while it may. A container that ended once may come back: after a restart of
 * its node, all have.
 *
 * @param retriedMs for how long the kubelet has tried this pod again.
 */
function hopelessReason({ state }: V1ContainerStatus, retriedMs: number): string | undefined {
  const { reason, message } = state?.waiting ?? {};
  if (reason === undefined) return undefined;
  const hopeless = HOPELESS.has(reason) || (RETRIED.has(reason) && retriedMs >= RETRIED_MS);
  return hopeless ? `${reason}: ${message ?? ''}`.trim() : undefined;
}

const isRetried = ({ status }: V1Pod): boolean =>
  status?.containerStatuses?.some(({ state }) => RETRIED.has(state?.waiting?.reason ?? '')) ?? false;

/** @param retriedSince when each pod was first seen to be tried again; kept between calls. */
async function throwIfHopeless(
  api: ClusterApi,
  pods: readonly V1Pod[],
  retriedSince: Map<string, number>,
): Promise<void> {
  const nowMs = performance.now();
  for (const pod of pods) {
    const uid = pod.metadata?.uid ?? '';
    if (!isRetried(pod)) retriedSince.delete(uid);
    else if (!retriedSince.has(uid)) retriedSince.set(uid, nowMs);
  }
  for (const pod of pods) {
    if (pod.metadata?.deletionTimestamp) continue;
    for (const status of pod.status?.containerStatuses ?? []) {
      const retriedMs = nowMs - (retriedSince.get(pod.metadata?.uid ?? '') ?? nowMs);
      const reason = hopelessReason(status, retriedMs);
      const name = pod.metadata?.name ?? '';
      if (reason === undefined) continue;
      throw new LabError('failed', `the pod ${name} will not get Ready: ${reason}`, {
        hint: await logsOf(api, name, (status.restartCount ?? 0) > 0 && status.state?.waiting !== undefined),
      });
    }
  }
}

async function logsOf(api: ClusterApi, name: string, previous: boolean): Promise<string> {
  const request = { namespace: NAMESPACE, name, tailLines: 15, previous };
  const text = await api.core.readNamespacedPodLog(request).catch(() => '');
  return text.trim()
    ? `Its last log lines:\n${lastLines(text, 15).replaceAll(/^/gm, '  ')}`
    : 'It has logged nothing.';
}
