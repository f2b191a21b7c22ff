import { PatchStrategy } from '@kubernetes/client-node';
import { apiMessage, type ClusterApi, NAMESPACE } from '../cluster/index.ts';
import { LabError } from '../common/errors.ts';
import type { Fault } from './fault.ts';

/** All pods replaced, some at a time, as `kubectl rollout restart` does. There is nothing to heal. */
export function rolloutRestartFault(
  api: ClusterApi,
  { arm, deployment }: { arm: string; deployment: string },
): Fault {
  return {
    name: 'rollout-restart',
    arm,
    detail: `rollout restart of ${deployment}`,
    inject: async () => {
      const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
      const patch = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: deployment, namespace: NAMESPACE },
        spec: { template: { metadata: { annotations } } },
      };
      try {
        await api.objects.patch(patch, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
      } catch (error) {
        const message = `${deployment} cannot be restarted: ${apiMessage(error)}`;
        throw new LabError('lost', message, { cause: error });
      }
    },
    heal: async () => {},
  };
}
