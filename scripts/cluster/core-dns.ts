// The cluster's DNS server, CoreDNS as kubeadm installs it: broken on purpose, and mended.
import { type KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import { LabError } from '../common/errors.ts';
import { waitFor } from '../common/wait.ts';
import { type ClusterApi, statusOf } from './api.ts';
import { BEHIND_PORT, type DnsPods, withRelay } from './core-dns-delay.ts';
import { answeringAll, listeningOn } from './corefile.ts';
import type { DnsFailure } from './dns-failure.ts';
import { NAMESPACE } from './lab.ts';
import { isRolledOut } from './ready.ts';

/** Its replicas, the text that it is configured by, and of its pods what may be changed. */
export type CoreDns = { replicas: number; corefile: string; pods: DnsPods };

/** Of its Deployment, and of the ConfigMap with its Corefile. */
const COREDNS = { namespace: 'kube-system', name: 'coredns' };
const PODS = { namespace: 'kube-system', labelSelector: 'k8s-app=kube-dns' };
/** Annotation of its Deployment while a run has broken it: how it was before, as JSON. */
const MARK = 'grpc-kind-lab.dev/before-fault';
const CHANGED_MS = 60_000;

export async function hasCoreDns(api: ClusterApi): Promise<boolean> {
  try {
    await api.apps.readNamespacedDeployment(COREDNS);
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

export async function readCoreDns(api: ClusterApi): Promise<CoreDns> {
  const { spec } = await api.apps.readNamespacedDeployment(COREDNS);
  const { data } = await api.core.readNamespacedConfigMap(COREDNS);
  const { containers = [], tolerations = [] } = spec?.template.spec ?? {};
  return { replicas: spec?.replicas ?? 1, corefile: data?.Corefile ?? '', pods: { containers, tolerations } };
}

/** Returns at once. */
export const scaleCoreDns = (api: ClusterApi, replicas: number): Promise<void> =>
  patchDeployment(api, { spec: { replicas } });

/**
 * Changes it, and returns when pods that have read it are all that is left: the `reload` plugin alone takes up to 45 s to
 * see that a Corefile changed.
 */
export async function configureCoreDns(api: ClusterApi, change: Partial<CoreDns>): Promise<void> {
  const { replicas, corefile, pods } = change;
  if (corefile !== undefined)
    await patch(api, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: COREDNS,
      data: { Corefile: corefile },
    });
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
  const template = { metadata: { annotations }, ...(pods && { spec: pods }) };
  await patchDeployment(api, { spec: { template, ...(replicas !== undefined && { replicas }) } });
  await rolledOut(api);
}

/**
 * Breaks it for a while: how it was is kept in the cluster, for `mendCoreDns`. Returns when it is broken.
 *
 * @throws LabError `prerequisite` as `breakDns`.
 */
export async function breakCoreDns(api: ClusterApi, broken: DnsFailure): Promise<void> {
  // What is broken still is not how it was.
  await mendCoreDns(api);
  const before = await readCoreDns(api);
  const change = await changeFor(api, before, broken);
  // Pods that stay as they are may be changed meanwhile by others.
  const mark = JSON.stringify({ ...before, pods: change.pods && before.pods });
  await patchDeployment(api, { metadata: { annotations: { [MARK]: mark } } });
  await configureCoreDns(api, change);
}

async function changeFor(
  api: ClusterApi,
  { corefile, pods }: CoreDns,
  broken: DnsFailure,
): Promise<Partial<CoreDns>> {
  switch (broken.failure) {
    case 'down':
      return { replicas: 0 };
    case 'slow': {
      const image = await imageOfServer(api);
      const relay = { image, delayMs: broken.delayMs };
      return { corefile: listeningOn(corefile, BEHIND_PORT), pods: withRelay(pods, relay) };
    }
    default:
      return { corefile: answeringAll(corefile, broken.failure) };
  }
}

/** It is on every worker. */
async function imageOfServer(api: ClusterApi): Promise<string> {
  const { spec } = await api.apps.readNamespacedDeployment({ namespace: NAMESPACE, name: 'greeter-server' });
  const image = spec?.template.spec?.containers[0]?.image;
  if (image === undefined) throw new LabError('prerequisite', 'greeter-server has no image');
  return image;
}

/**
 * Makes it what it was before `breakCoreDns`, whoever called that. Returns when it answers again.
 *
 * @returns whether it was broken.
 */
export async function mendCoreDns(api: ClusterApi): Promise<boolean> {
  const mark = await readMark(api);
  if (mark === undefined) return false;
  // Its pods begin anew, also where the Corefile is what it was: a mend may have been cut off between the two.
  await configureCoreDns(api, JSON.parse(mark) as Partial<CoreDns>);
  // Last: what is interrupted before is mended by whoever comes next.
  await patchDeployment(api, { metadata: { annotations: { [MARK]: null } } });
  return true;
}

async function readMark(api: ClusterApi): Promise<string | undefined> {
  const { metadata } = await api.apps.readNamespacedDeployment(COREDNS);
  return metadata?.annotations?.[MARK];
}

/** Its pods are those that it should have, and no other is on its way out: one that is goes on to answer for 5 s. */
const rolledOut = (api: ClusterApi): Promise<void> =>
  waitFor(
    'the pods of coredns',
    async () => {
      const deployment = await api.apps.readNamespacedDeployment(COREDNS);
      const { items } = await api.core.listNamespacedPod(PODS);
      // One that was evicted stays listed, and answers nothing.
      const pods = items.filter(({ status }) => status?.phase !== 'Failed').length;
      const replicas = deployment.spec?.replicas ?? 1;
      return isRolledOut(deployment) && pods === replicas
        ? { done: undefined }
        : { waiting: `${pods} pods, ${replicas} are wanted` };
    },
    { timeoutMs: CHANGED_MS, intervalMs: 200 },
  );

const patchDeployment = (api: ClusterApi, { metadata, spec }: { metadata?: object; spec?: object }) =>
  patch(api, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...COREDNS, ...metadata },
    ...(spec && { spec }),
  });

async function patch(api: ClusterApi, body: object): Promise<void> {
  const object = body as KubernetesObject;
  await api.objects.patch(object, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
}
