import { PatchStrategy } from '@kubernetes/client-node';
import { apiMessage, type ClusterApi, NAMESPACE, statusOf } from '../cluster/index.ts';
import { LabError } from '../common/errors.ts';
import type { Fault } from './fault.ts';

export type ScaleOptions = { arm: string; deployment: string; from: number; to: number };

/** Another number of replicas. Healed, it has the first number again. */
export function scaleFault(api: ClusterApi, { arm, deployment, from, to }: ScaleOptions): Fault {
  return {
    name: 'scale',
    arm,
    detail: `${deployment} from ${from} to ${to} replicas`,
    inject: () => setReplicas(api, deployment, to),
    heal: async () => {
      try {
        await setReplicas(api, deployment, from);
      } catch (error) {
        // Nothing is left to heal.
        if (statusOf((error as Error).cause) !== 404) throw error;
      }
    },
  };
}

async function setReplicas(api: ClusterApi, name: string, replicas: number): Promise<void> {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE },
    spec: { replicas },
  };
  try {
    await api.objects.patch(deployment, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
  } catch (error) {
    throw new LabError('lost', `${name} cannot be scaled: ${apiMessage(error)}`, { cause: error });
  }
}
