// What selectors select. Source: Kubernetes, "Labels and Selectors".
import type { V1LabelSelector } from '@kubernetes/client-node';
import type { Plain } from '../../common/plain.ts';

export type Labels = Readonly<Record<string, string>>;

/** A Service's selector: every label must be there. An empty one selects nothing: such Services have none. */
export const hasLabels = (labels: Labels | undefined, wanted: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labels?.[key] === value);

/** A label selector as policies and Deployments have it; an empty one selects everything. */
export function selects(selector: Plain<V1LabelSelector>, labels: Labels | undefined): boolean {
  return (
    hasLabels(labels, selector.matchLabels ?? {}) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels?.[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          return false;
      }
    })
  );
}
