// topologySpreadConstraints: as many pods of a kind on each node, or in each zone.
import { matchesSelector } from '../../label-selector.ts';
import type { Node, Pod } from '../../objects.ts';
import type { LabelSelector } from '../objects.ts';
import { type Refusal, selects, untolerated } from './filter.ts';

type Constraint = NonNullable<NonNullable<Pod['spec']>['topologySpreadConstraints']>[number];
export type Placed = ReadonlyMap<string, readonly Pod[]>;
export type Spread = { refusalOf(node: Node): Refusal | undefined; crowdingOf(node: Node): number };

const TOO_MANY = "node(s) didn't match pod topology spread constraints";

/** @param placed the pods on each node, by its name. */
export function spreadOf(pod: Pod, nodes: readonly Node[], placed: Placed): Spread {
  const counted = (pod.spec?.topologySpreadConstraints ?? []).map((constraint) => ({
    constraint,
    ...countDomains(pod, constraint, nodes, placed),
  }));
  const hard = counted.filter(({ constraint }) => constraint.whenUnsatisfiable !== 'ScheduleAnyway');
  const soft = counted.filter(({ constraint }) => constraint.whenUnsatisfiable === 'ScheduleAnyway');

  return {
    refusalOf(node) {
      for (const { constraint, counts, matchesItself } of hard) {
        const domain = node.metadata.labels?.[constraint.topologyKey];
        if (domain === undefined) return { reason: `${TOO_MANY} (missing required label)`, final: true };
        const least = Math.min(...counts.values());
        const skew = (counts.get(domain) ?? 0) + (matchesItself ? 1 : 0) - least;
        if (skew > constraint.maxSkew) return { reason: TOO_MANY, final: false };
      }
      return undefined;
    },
    /** The lower the better. A constraint with many domains weighs more, as one pod is a larger part of each. */
    crowdingOf(node) {
      return soft.reduce((sum, { constraint, counts }) => {
        const domain = node.metadata.labels?.[constraint.topologyKey];
        // A node that is in no domain is the last choice.
        if (domain === undefined) return Number.POSITIVE_INFINITY;
        return sum + (counts.get(domain) ?? 0) * Math.log(counts.size + 2) + constraint.maxSkew - 1;
      }, 0);
    },
  };
}

function countDomains(pod: Pod, constraint: Constraint, nodes: readonly Node[], placed: Placed) {
  const { topologyKey, nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore' } = constraint;
  const selector = withLabelsOf(pod, constraint);
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const domain = node.metadata.labels?.[topologyKey];
    if (domain === undefined) continue;
    if (nodeAffinityPolicy === 'Honor' && !selects(pod, node)) continue;
    if (nodeTaintsPolicy === 'Honor' && untolerated(pod, node)) continue;
    const alike = (placed.get(node.metadata.name) ?? []).filter(
      ({ metadata }) =>
        metadata.namespace === pod.metadata.namespace &&
        !metadata.deletionTimestamp &&
        matchesSelector(selector, metadata.labels),
    );
    counts.set(domain, (counts.get(domain) ?? 0) + alike.length);
  }
  return { counts, matchesItself: matchesSelector(selector, pod.metadata.labels) };
}

/** `matchLabelKeys`: only pods that have the same values as this one. */
function withLabelsOf(
  { metadata }: Pod,
  { labelSelector, matchLabelKeys = [] }: Constraint,
): LabelSelector | undefined {
  const own = matchLabelKeys.flatMap((key) => {
    const value = metadata.labels?.[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  if (!labelSelector) return undefined;
  return { ...labelSelector, matchLabels: { ...labelSelector.matchLabels, ...Object.fromEntries(own) } };
}
