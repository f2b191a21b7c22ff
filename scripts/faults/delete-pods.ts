import { apiMessage, type ClusterApi, NAMESPACE, statusOf } from '../cluster/index.ts';
import { LabError } from '../common/errors.ts';
import type { Fault } from './fault.ts';

type Options = {
  arm: string;
  pods: readonly string[];
  /** What they are given to end by themselves. */
  graceSeconds: number;
};

/** Pods deleted. There is nothing to heal: their Deployment makes others. */
export function deletePodsFault(api: ClusterApi, { arm, pods, graceSeconds }: Options): Fault {
  return {
    name: 'delete-pods',
    arm,
    detail: `delete ${pods.join(', ')}`,
    takes: pods,
    inject: async () => {
      await Promise.all(pods.map((name) => deletePod(api, name, graceSeconds)));
    },
    heal: async () => {},
  };
}

async function deletePod(api: ClusterApi, name: string, gracePeriodSeconds: number): Promise<void> {
  try {
    await api.core.deleteNamespacedPod({ namespace: NAMESPACE, name, gracePeriodSeconds });
  } catch (error) {
    // It is what was asked for.
    if (statusOf(error) === 404) return;
    throw new LabError('lost', `${name} cannot be deleted: ${apiMessage(error)}`, { cause: error });
  }
}
