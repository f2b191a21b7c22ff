// kind as a provider: clusters whose nodes are Docker containers.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { run } from '../../common/run.ts';
import type { ClusterConfig } from '../config.ts';
import { LAB_LABEL, type Lab, readState, writeState } from '../lab.ts';
import type { Ownership, Provider, Work } from '../provider.ts';
import { buildImages } from './build-images.ts';
import { putPodsFirst } from './cpu.ts';
import { nodeContainers, readContainerFile } from './docker.ts';
import { failNode, mendNodes } from './fail-node.ts';
import { loadImages } from './load-images.ts';
import { chooseNodeImage } from './node-image.ts';
import { preflight, refuseWithoutKind } from './preflight.ts';

/** @param nodeImage the image of new nodes; kind's default, or what is local, where undefined. */
export const kindProvider = (nodeImage?: string): Provider => ({
  name: 'kind',
  capabilities: new Set(['network-policy', 'containers', 'stop-nodes', 'system-pods', 'node-ports']),
  available: refuseWithoutKind,
  foreignHint: ({ name }) => `kind delete cluster --name ${name}`,
  preflight,
  ownership,
  list,
  create: (lab, config, work) => create(lab, config, nodeImage, work),
  resume,
  failNode,
  buildImages,
  loadImages,
  delete: remove,
});

async function clusters(): Promise<string[]> {
  const stdout = await run(['kind', 'get', 'clusters']);
  return stdout.split('\n').filter(Boolean);
}

async function ownership(lab: Lab): Promise<Ownership> {
  const [nodes, state] = await Promise.all([nodeContainers(lab.name), readState(lab)]);
  if (nodes.size === 0) return 'absent';
  const mark = await markOf(lab.name, [...nodes.keys()]);
  if (mark === 'another') return 'foreign';
  // A creation that was cut off may not have come to the mark; that it had begun is remembered.
  if (state?.phase === 'creating') return 'partial';
  return mark === 'ours' ? 'ours' : 'foreign';
}

/** A lab's nodes carry a label since kubeadm; its configuration can be read even when nothing runs. */
async function markOf(cluster: string, nodes: readonly string[]): Promise<'ours' | 'another' | 'not yet'> {
  const controlPlane = nodes.find((node) => node === `${cluster}-control-plane`);
  if (!controlPlane) return 'not yet';
  const kubeadm = await readContainerFile(controlPlane, '/kind/kubeadm.conf');
  if (kubeadm === undefined) return 'not yet';
  return kubeadm.includes(`${LAB_LABEL}=${cluster}`) ? 'ours' : 'another';
}

async function list(): Promise<string[]> {
  const names = await clusters();
  const marked = await Promise.all(
    names.map(async (name) => markOf(name, [...(await nodeContainers(name)).keys()])),
  );
  return names.filter((_, index) => marked[index] === 'ours');
}

async function create(
  lab: Lab,
  config: ClusterConfig,
  asked: string | undefined,
  work: Work,
): Promise<string> {
  const { image, why } = await chooseNodeImage(asked, work);
  await mkdir(lab.dir, { recursive: true });
  const state = {
    provider: 'kind' as const,
    nodeImage: image,
    ...(config.askedControlPlanes === undefined ? {} : { controlPlanes: config.askedControlPlanes }),
    configHash: config.hash,
    createdAt: new Date().toISOString(),
  };
  await writeState(lab, { ...state, phase: 'creating' });
  work.say(`${image} (${why})`);
  await run(
    ['kind', 'create', 'cluster', '--config', '-', '--image', image, '--kubeconfig', lab.kubeconfig],
    { input: config.yaml, signal: work.signal },
  );
  const workers = [...(await nodeContainers(lab.name))].filter(([, { role }]) => role === 'worker');
  await putPodsFirst(workers.map(([name]) => name));
  await writeState(lab, { ...state, phase: 'created' });
  return `${image}, ${why}`;
}

async function resume(lab: Lab, work: Work): Promise<string | undefined> {
  const mended = await mendNodes(lab, work);
  // A port that Docker chose changes when its container starts again: the kubeconfig is always kind's latest.
  const kubeconfig = await run(['kind', 'get', 'kubeconfig', '--name', lab.name], { signal: work.signal });
  await mkdir(lab.dir, { recursive: true });
  await writeFile(lab.kubeconfig, `${kubeconfig}\n`, { mode: 0o600 });
  return mended;
}

async function remove(lab: Lab, signal: AbortSignal): Promise<void> {
  // kind would otherwise take the user's kubeconfig to remove its context from.
  const scratch = join(lab.dir, 'kubeconfig');
  await run(['kind', 'delete', 'cluster', '--name', lab.name, '--kubeconfig', scratch], { signal });
  const left = await nodeContainers(lab.name);
  if (left.size > 0) {
    throw new LabError('failed', `these containers are still there: ${[...left.keys()].join(', ')}`, {
      hint: `docker rm --force --volumes ${[...left.keys()].join(' ')}`,
    });
  }
  await rm(`${scratch}.lock`, { force: true });
}
