// Waiting until the pods of a world are those that its manifests ask for.
import { type ClusterApi, type Manifest, NAME_LABEL } from '../cluster/index.ts';
import { waitFor } from '../common/wait.ts';

export type Work = { say: (detail: string) => void; signal: AbortSignal };

const TIMEOUT_MS = 120_000;

/**
 * Waits until each Deployment has as many pods as it asks for, all of its last template and none on its way out, and
 * until all of them are Ready, or those of the clients: what an incident does to servers may keep them from it.
 *
 * @throws LabError `failed` after two minutes, with what was missing.
 */
export async function worldReady(
  api: ClusterApi,
  manifests: readonly Manifest[],
  goal: 'every pod Ready' | 'the clients Ready',
  work: Work,
): Promise<void> {
  const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
  await waitFor(
    goal,
    async () => {
      const missing = await Promise.all(
        deployments.map(({ metadata: { namespace = '', name } }) =>
          missingOf(api, namespace, name, goal === 'every pod Ready'),
        ),
      );
      const waiting = missing.filter((each) => each !== undefined).join(', ');
      work.say(waiting);
      return waiting === '' ? { done: undefined } : { waiting };
    },
    { timeoutMs: TIMEOUT_MS, signal: work.signal },
  );
}

async function missingOf(
  api: ClusterApi,
  namespace: string,
  name: string,
  everyReady: boolean,
): Promise<string | undefined> {
  const [{ metadata, spec, status = {} }, { items }] = await Promise.all([
    api.apps.readNamespacedDeployment({ namespace, name }),
    api.core.listNamespacedPod({ namespace, labelSelector: `${NAME_LABEL}=${name}` }),
  ]);
  const wanted = spec?.replicas ?? 1;
  const ending = items.filter((pod) => pod.metadata?.deletionTimestamp).length;
  const isClient = spec?.template.spec?.containers.some(({ image }) => image?.includes('greeter-client'));
  if ((status.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return `${name} is not looked at yet`;
  if (ending > 0) return `${name}: ${ending} pods are ending`;
  if ((status.updatedReplicas ?? 0) !== wanted || (status.replicas ?? 0) !== wanted)
    return `${name}: ${status.updatedReplicas ?? 0} of ${wanted} pods are there`;
  if ((everyReady || isClient) && (status.availableReplicas ?? 0) !== wanted)
    return `${name}: ${status.availableReplicas ?? 0} of ${wanted} Ready`;
  return undefined;
}
