// The scale subresource: replicas alone, in a form that every scalable kind shares.
import { badRequest } from '../errors.ts';
import type { Deployment, ReplicaSet } from '../objects.ts';

export const scaleOf = ({ metadata, spec, status }: Deployment | ReplicaSet) => ({
  kind: 'Scale',
  apiVersion: 'autoscaling/v1',
  metadata: {
    name: metadata.name,
    namespace: metadata.namespace,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    creationTimestamp: metadata.creationTimestamp,
  },
  spec: { replicas: spec?.replicas ?? 0 },
  status: {
    replicas: status?.replicas ?? 0,
    selector: Object.entries(spec?.selector?.matchLabels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  },
});

/** @throws ApiError 400. */
export function replicasOfScale(scale: Record<string, unknown>): number {
  const { replicas = 0 } = (scale.spec ?? {}) as { replicas?: unknown };
  if (!Number.isInteger(replicas) || (replicas as number) < 0)
    throw badRequest(
      `spec.replicas: Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`,
    );
  return replicas as number;
}
