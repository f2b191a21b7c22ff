// What is done to the cluster's DNS server, CoreDNS as kubeadm installs it.
import { type KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import { type ClusterApi, isRolledOut } from '../cluster/index.ts';
import { LabError } from '../common/errors.ts';
import { waitFor } from '../common/wait.ts';
import type { Action } from './actions.ts';

/** Of its Deployment, and of the ConfigMap with its Corefile. */
const COREDNS = { namespace: 'kube-system', name: 'coredns' };
const ROLLED_OUT_MS = 60_000;

/** Without a replica. */
export const stopDns: Action = {
  name: 'dns-down',
  command: () => 'kubectl -n kube-system scale deployment coredns --replicas=0',
  prepare: async (api) => (await api.apps.readNamespacedDeployment(COREDNS)).spec?.replicas ?? 1,
  inject: (api) => patchDeployment(api, { replicas: 0 }),
  heal: (api, _world, replicas) => patchDeployment(api, { replicas: Math.max(1, Number(replicas)) }),
};

const SERVFAIL = 'template ANY ANY {\n        rcode SERVFAIL\n    }';

/** Told to answer SERVFAIL, whatever is asked. */
export const failDns: Action = {
  name: 'dns-servfail',
  command: () =>
    `kubectl -n kube-system edit configmap coredns  # into the block ".:53 {": ${SERVFAIL.replaceAll(/\s+/g, ' ')}
kubectl -n kube-system rollout restart deployment coredns`,
  prepare: async (api) => {
    const { data } = await api.core.readNamespacedConfigMap(COREDNS);
    const corefile = data?.Corefile;
    if (corefile === undefined || !corefile.includes('.:53 {'))
      throw new LabError('prerequisite', 'kube-system/coredns has no Corefile with a block ".:53 {"');
    return corefile;
  },
  inject: async (api) => {
    const { data } = await api.core.readNamespacedConfigMap(COREDNS);
    const corefile = data?.Corefile ?? '';
    await configure(api, corefile.replace('.:53 {', `.:53 {\n    ${SERVFAIL}`));
  },
  heal: (api, _world, corefile) => configure(api, String(corefile)),
};

/** Its `reload` plugin takes up to 45 s to see a Corefile that changed; new pods read it at once. */
async function configure(api: ClusterApi, corefile: string): Promise<void> {
  const { data } = await api.core.readNamespacedConfigMap(COREDNS);
  if (data?.Corefile === corefile) return;
  await patch(api, { apiVersion: 'v1', kind: 'ConfigMap', data: { Corefile: corefile } });
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
  await patchDeployment(api, { template: { metadata: { annotations } } });
  await waitFor(
    'the new pods of coredns',
    async () =>
      isRolledOut(await api.apps.readNamespacedDeployment(COREDNS))
        ? { done: undefined }
        : { waiting: 'the old ones still answer' },
    { timeoutMs: ROLLED_OUT_MS },
  );
}

const patchDeployment = (api: ClusterApi, spec: object): Promise<void> =>
  patch(api, { apiVersion: 'apps/v1', kind: 'Deployment', spec });

async function patch(api: ClusterApi, fields: object): Promise<void> {
  const body = { ...fields, metadata: COREDNS } as KubernetesObject;
  await api.objects.patch(body, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
}
