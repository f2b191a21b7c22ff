// embedded as a provider: a small Kubernetes of the lab's own, whose pods are processes on loopback addresses.
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import type { ClusterConfig } from '../config.ts';
import { type Lab, labNamed, readState, rememberedLabs, writeState } from '../lab.ts';
import type { Manifest } from '../manifests.ts';
import type { Bundle, Ownership, Provider, Work } from '../provider.ts';
import { findSupervisor, startSupervisor, stopSupervisor } from './background.ts';
import { createImageStore } from './kubelet/images.ts';
import { removeFolder } from './kubelet/remove-folder.ts';
import { killLeftovers } from './leftovers.ts';
import { preflight } from './preflight.ts';
import { resources } from './resources.ts';

export const embeddedProvider = (): Provider => ({
  name: 'embedded',
  capabilities: new Set(),
  available: async () => {},
  foreignHint: () => 'npm run lab:down in the folder that it was made from',
  preflight,
  ownership,
  list,
  create,
  resume: async () => undefined,
  loadImages,
  withoutEffect,
  delete: remove,
});

/** A cluster whose supervisor has died is gone: what is left of it is cleared away by whoever comes next. */
async function ownership(lab: Lab): Promise<Ownership> {
  const [state, supervisor] = await Promise.all([readState(lab), findSupervisor(lab)]);
  if (supervisor && supervisor.dir !== lab.dir) return 'foreign';
  if (state?.provider !== 'embedded') return supervisor ? 'partial' : 'absent';
  return supervisor && state.phase === 'created' ? 'ours' : 'partial';
}

async function list(): Promise<string[]> {
  const names = await rememberedLabs();
  const states = await Promise.all(names.map((name) => readState(labNamed(name))));
  return names.filter((_, index) => states[index]?.provider === 'embedded');
}

async function create(lab: Lab, config: ClusterConfig, work: Work): Promise<string> {
  await mkdir(lab.dir, { recursive: true });
  const state = {
    provider: 'embedded' as const,
    ...(config.askedControlPlanes === undefined ? {} : { controlPlanes: config.askedControlPlanes }),
    configHash: config.hash,
    createdAt: new Date().toISOString(),
  };
  await writeState(lab, { ...state, phase: 'creating' });
  const clusterId = randomUUID();
  await writeFile(idPath(lab), clusterId);
  work.signal.throwIfAborted();
  await startSupervisor(lab, {
    name: lab.name,
    dir: lab.dir,
    kubeconfig: lab.kubeconfig,
    clusterId,
    nodes: config.nodes,
    ...maxEndpointsPerSlice(),
  });
  await writeState(lab, { ...state, phase: 'created' });
  return 'Node processes on loopback; no Docker';
}

/** Low, it gives a Service several slices. */
function maxEndpointsPerSlice(): { maxEndpointsPerSlice?: number } {
  const text = process.env.LAB_MAX_ENDPOINTS_PER_SLICE;
  if (!text) return {};
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new LabError('usage', `LAB_MAX_ENDPOINTS_PER_SLICE is "${text}"`, {
      hint: 'It must be a whole number of at least 1.',
    });
  return { maxEndpointsPerSlice: value };
}

async function loadImages(lab: Lab, _config: ClusterConfig, { dir, images }: Bundle): Promise<string> {
  const store = createImageStore(join(lab.dir, 'images'));
  await Promise.all(
    images.flatMap(({ service, ref, devRef }) => [
      store.add(ref, join(dir, service)),
      store.add(devRef, join(dir, service)),
    ]),
  );
  return images.map(({ ref }) => ref.replace(/^grpc-kind-lab\//, '')).join(', ');
}

async function withoutEffect(manifests: readonly Manifest[]): Promise<string[]> {
  // The schemas of all kinds: no other command should wait for them.
  const { inertFieldsIn } = await import('./api/fields.ts');
  const byKind = new Map(Object.values(resources).map((resource) => [resource.kind, resource]));
  const found = manifests.flatMap((manifest) => {
    const resource = byKind.get(manifest.kind ?? '');
    return resource ? inertFieldsIn(resource, manifest) : [];
  });
  return [...new Set(found)];
}

async function remove(lab: Lab, signal: AbortSignal): Promise<void> {
  await stopSupervisor(lab, signal);
  const clusterId = await readFile(idPath(lab), 'utf8').catch(() => undefined);
  if (clusterId) await killLeftovers(clusterId.trim());
  // Not the images: when a lab is made anew, they may have been put there a moment ago.
  for (const part of ['pods', 'preload.cjs', 'supervisor.log', 'cluster-id'])
    await removeFolder(join(lab.dir, part));
}

const idPath = (lab: Lab) => join(lab.dir, 'cluster-id');
