// Which pods a ReplicaSet gives up first: Kubernetes' order.
import type { Pod } from '../objects.ts';
import { isActive, isReady, readySinceMs } from './pods.ts';

/**
 * @param pods the ReplicaSet's active ones.
 * @param related those of all ReplicaSets of the same Deployment: the more of them on a node, the sooner one goes there.
 * @returns `count` of the pods, the first to go first.
 */
export function podsToDelete(
  pods: readonly Pod[],
  related: readonly Pod[],
  count: number,
  nowMs: number,
): Pod[] {
  const perNode = new Map<string, number>();
  for (const pod of related.filter(isActive)) {
    const node = pod.spec?.nodeName ?? '';
    perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const orders: ((pod: Pod) => number)[] = [
    ({ spec }) => (spec?.nodeName ? 1 : 0),
    ({ status }) => PHASES.indexOf(status?.phase ?? 'Pending'),
    (pod) => (isReady(pod) ? 1 : 0),
    deletionCost,
    ({ spec }) => -(perNode.get(spec?.nodeName ?? '') ?? 0),
    (pod) => ageRank(readySinceMs(pod) ?? 0, nowMs),
    (pod) => -restarts(pod),
    ({ metadata }) => ageRank(Date.parse(metadata.creationTimestamp), nowMs),
  ];
  const ranked = pods.map((pod) => ({ pod, ranks: orders.map((order) => order(pod)) }));
  ranked.sort((a, b) => {
    const first = a.ranks.findIndex((rank, index) => rank !== b.ranks[index]);
    if (first < 0) return a.pod.metadata.uid < b.pod.metadata.uid ? -1 : 1;
    return (a.ranks[first] ?? 0) - (b.ranks[first] ?? 0);
  });
  return ranked.slice(0, count).map(({ pod }) => pod);
}

const PHASES = ['Pending', 'Unknown', 'Running'];

const deletionCost = ({ metadata }: Pod): number =>
  Number(metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0) || 0;

/** Ages count by powers of two: among pods of about the same age, chance decides, not the clock. */
const ageRank = (sinceMs: number, nowMs: number): number =>
  nowMs > sinceMs ? Math.floor(Math.log2((nowMs - sinceMs) * 1e6)) : -1;

const restarts = ({ status }: Pod): number =>
  Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
