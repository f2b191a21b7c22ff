import { apiMessage, type ClusterApi, NAMESPACE, statusOf } from '../cluster/index.ts';
import { LabError } from '../common/errors.ts';
import type { Fault } from './fault.ts';

/**
 * Pods deleted without any grace: they leave the API at once, and their processes with them as soon as their nodes hear
 * of it. There is nothing to heal: their Deployment makes others.
 */
export function deletePodsFault(
  api: ClusterApi,
  { arm, pods }: { arm: string; pods: readonly string[] },
): Fault {
  return {
    name: 'delete-pods',
    arm,
    detail: `delete ${pods.join(', ')} at once`,
    takes: pods,
    inject: async () => {
      await Promise.all(pods.map((name) => deletePod(api, name)));
    },
    heal: async () => {},
  };
}

async function deletePod(api: ClusterApi, name: string): Promise<void> {
  try {
    await api.core.deleteNamespacedPod({ namespace: NAMESPACE, name, gracePeriodSeconds: 0 });
  } catch (error) {
    // It is what was asked for.
    if (statusOf(error) === 404) return;
    throw new LabError('lost', `${name} cannot be deleted: ${apiMessage(error)}`, { cause: error });
  }
}
