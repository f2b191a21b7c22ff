// What a lab has: nodes, pods by node, images, and what is out of date.
import { join } from 'node:path';
import type { V1Deployment, V1Node, V1Pod } from '@kubernetes/client-node';
import { type ClusterApi, connect } from './api.ts';
import { readClusterConfig } from './config.ts';
import { bundleImages } from './images.ts';
import { type Lab, NAMESPACE, readState } from './lab.ts';
import {
  HASH_ANNOTATION,
  hashed,
  isDeployment,
  type Manifest,
  RUN_LABEL,
  readManifests,
} from './manifests.ts';
import type { Ownership, Provider } from './provider.ts';
import { isNodeReady, isPodReady } from './ready.ts';

export type LabStatus = {
  name: string;
  provider: string;
  cluster: Ownership;
  nodes: {
    name: string;
    ready: boolean;
    controlPlane: boolean;
    zone: string;
    version: string;
    pods: PodStatus[];
  }[];
  images: string[];
  /** What the next lab:up would change, or what it cannot. */
  outOfDate: string[];
};
export type PodStatus = { name: string; ready: boolean; phase: string; restarts: number };

/** Looks only. `outOfDate` is empty when lab:up would find nothing to do. */
export async function status(lab: Lab, provider: Provider, signal: AbortSignal): Promise<LabStatus> {
  const cluster = await provider.ownership(lab);
  const nothing = { name: lab.name, provider: provider.name, cluster, nodes: [], images: [], outOfDate: [] };
  if (cluster !== 'ours') return nothing;
  await provider.resume(lab, { say: () => {}, signal });
  const api = connect(lab.kubeconfig);
  const [nodes, pods, deployments] = await Promise.all([
    api.core.listNode(),
    api.core.listNamespacedPod({ namespace: NAMESPACE }),
    api.apps.listNamespacedDeployment({ namespace: NAMESPACE }),
  ]);
  return {
    ...nothing,
    nodes: nodes.items.map((node) => nodeStatus(node, pods.items)),
    images: [...new Set(deployments.items.flatMap(imagesOf))],
    outOfDate: await outOfDate(lab, api, deployments.items, signal),
  };
}

function nodeStatus(node: V1Node, pods: readonly V1Pod[]) {
  const name = node.metadata?.name ?? '';
  const labels = node.metadata?.labels ?? {};
  return {
    name,
    ready: isNodeReady(node),
    controlPlane: 'node-role.kubernetes.io/control-plane' in labels,
    zone: labels['topology.kubernetes.io/zone'] ?? '',
    version: node.status?.nodeInfo?.kubeletVersion ?? '',
    pods: pods
      .filter((pod) => pod.spec?.nodeName === name)
      .map((pod) => ({
        name: pod.metadata?.name ?? '',
        ready: isPodReady(pod),
        phase: pod.metadata?.deletionTimestamp ? 'Terminating' : (pod.status?.phase ?? 'Unknown'),
        restarts: (pod.status?.containerStatuses ?? []).reduce(
          (sum, { restartCount }) => sum + restartCount,
          0,
        ),
      })),
  };
}

const imagesOf = ({ spec }: V1Deployment): string[] =>
  (spec?.template.spec?.containers ?? []).flatMap(({ image }) => (image ? [image] : []));

async function outOfDate(
  lab: Lab,
  api: ClusterApi,
  deployments: readonly V1Deployment[],
  signal: AbortSignal,
): Promise<string[]> {
  // Not where a lab:up may be building from at this moment.
  const { images } = await bundleImages(join(lab.dir, 'status'), signal);
  const [manifests, state, config] = await Promise.all([
    readManifests(images),
    readState(lab),
    readClusterConfig(lab),
  ]);
  const changed = await Promise.all(manifests.map((manifest) => differs(api, manifest)));
  const leftOver = deployments.filter(({ metadata }) => metadata?.labels?.[RUN_LABEL] !== undefined);
  return [
    ...(state && state.configHash !== config.hash
      ? ['kind.yaml has changed since the cluster was created (lab:down, then lab:up)']
      : []),
    ...changed.filter((text) => text !== undefined),
    ...leftOver.map(
      ({ metadata }) => `Deployment ${metadata?.name} is of a run that is under way, or was interrupted`,
    ),
  ];
}

async function differs(api: ClusterApi, manifest: Manifest): Promise<string | undefined> {
  const name = `${manifest.kind} ${manifest.metadata.name}`;
  const there = await api.objects.read(manifest).catch(() => undefined);
  if (!there) return `${name} is missing`;
  if (
    there.metadata?.annotations?.[HASH_ANNOTATION] ===
    hashed(manifest).metadata.annotations?.[HASH_ANNOTATION]
  ) {
    return undefined;
  }
  const tags = isDeployment(manifest) ? imagesOf(manifest).map((image) => image.split(':').at(-1)) : [];
  return `${name} has changed${tags.length > 0 ? ` (image ${tags.join(', ')})` : ''}`;
}
