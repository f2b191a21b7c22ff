// Which nodes a pod may run on, and what Kubernetes says of those that it may not.
import type { Node, Pod } from '../../objects.ts';

export type Refusal = {
  reason: string;
  /** Another pod's end would not help. */
  final: boolean;
};

type Toleration = NonNullable<NonNullable<Pod['spec']>['tolerations']>[number];
type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const UNREACHABLE: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' };

/** @param there how many pods the node has. @returns undefined when nothing about the node itself is against it. */
export function refusalOf(pod: Pod, node: Node, there: number): Refusal | undefined {
  if (node.spec?.unschedulable && !tolerates(pod, UNSCHEDULABLE))
    return { reason: 'node(s) were unschedulable', final: true };
  if (untolerated(pod, node)) return { reason: 'node(s) had untolerated taint(s)', final: true };
  if (!selects(pod, node))
    return { reason: "node(s) didn't match Pod's node affinity/selector", final: true };
  if (there >= Number(node.status?.allocatable?.pods ?? Number.POSITIVE_INFINITY))
    return { reason: 'Too many pods', final: false };
  return undefined;
}

/** A node's taints, with those that Kubernetes gives to one that is cordoned or not ready. */
export function untolerated(pod: Pod, node: Node): Taint | undefined {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const taints = [
    ...(node.spec?.taints ?? []),
    ...(node.spec?.unschedulable ? [UNSCHEDULABLE] : []),
    ...(ready === 'False' ? [NOT_READY] : []),
    ...(ready === 'Unknown' ? [UNREACHABLE] : []),
  ];
  return taints.find((taint) => !tolerates(pod, taint));
}

const tolerates = ({ spec }: Pod, taint: Taint): boolean =>
  (spec?.tolerations ?? []).some((toleration) => covers(toleration, taint));

const covers = (
  { key = '', operator = 'Equal', value = '', effect = '' }: Toleration,
  taint: Taint,
): boolean =>
  (effect === '' || effect === taint.effect) &&
  (key === '' ? operator === 'Exists' : key === taint.key) &&
  (operator === 'Exists' || value === (taint.value ?? ''));

/** Whether the pod's nodeSelector takes the node. */
export const selects = ({ spec }: Pod, { metadata }: Node): boolean =>
  Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => metadata.labels?.[key] === value);
