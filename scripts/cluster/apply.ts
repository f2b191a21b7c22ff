// Manifests into a cluster and out of it, by server-side apply: doing it again changes nothing.
import { PatchStrategy } from '@kubernetes/client-node';
import { LabError } from '../common/errors.ts';
import { waitFor } from '../common/wait.ts';
import { apiMessage, type ClusterApi, statusOf } from './api.ts';
import { NAMESPACE } from './lab.ts';
import { hashed, type Manifest, RUN_LABEL } from './manifests.ts';

const FIELD_MANAGER = 'grpc-kind-lab';

/** @throws LabError `failed` naming the object that the API server refused, and why. */
export async function apply(api: ClusterApi, manifests: readonly Manifest[]): Promise<void> {
  await Promise.all(manifests.map((manifest) => applyOne(api, hashed(manifest))));
}

async function applyOne(api: ClusterApi, manifest: Manifest): Promise<void> {
  try {
    await api.objects.patch(
      asClientNamesIt(manifest),
      undefined,
      undefined,
      FIELD_MANAGER,
      true,
      PatchStrategy.ServerSideApply,
    );
  } catch (error) {
    throw new LabError(
      'failed',
      `${manifest.kind} ${manifest.metadata.name} was refused: ${apiMessage(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** client-node's word for a NetworkPolicy's `from` is `_from`, which it sends as `from`; `from` itself it would drop. */
function asClientNamesIt(manifest: Manifest): Manifest {
  if (manifest.kind !== 'NetworkPolicy') return manifest;
  const { spec } = manifest as { spec?: { ingress?: { from?: unknown }[] } };
  const ingress = spec?.ingress?.map(({ from, ...rule }) =>
    from === undefined ? rule : { ...rule, _from: from },
  );
  return { ...manifest, spec: { ...spec, ...(ingress && { ingress }) } } as Manifest;
}

/**
 * Deletes what a run made, its pods at once, and waits until they are gone.
 *
 * @param run the run's id; every run's objects where undefined.
 * @returns the names of the runs of which something was found.
 */
export async function deleteRun(api: ClusterApi, run?: string): Promise<string[]> {
  const labelSelector = run === undefined ? RUN_LABEL : `${RUN_LABEL}=${run}`;
  const inNamespace = { namespace: NAMESPACE, labelSelector };
  const [deployments, services] = await Promise.all([
    api.apps.listNamespacedDeployment(inNamespace),
    api.core.listNamespacedService(inNamespace),
  ]);
  const found = [...deployments.items, ...services.items];
  await api.apps.deleteCollectionNamespacedDeployment({ ...inNamespace, propagationPolicy: 'Background' });
  await Promise.all(
    services.items.map((service) =>
      ignoreMissing(
        api.core.deleteNamespacedService({ namespace: NAMESPACE, name: service.metadata?.name ?? '' }),
      ),
    ),
  );
  // Those of its own; the others go with their Services.
  await api.discovery.deleteCollectionNamespacedEndpointSlice(inNamespace);
  await waitFor(
    'the deletion of what the run made',
    async () => {
      const pods = (await api.core.listNamespacedPod(inNamespace)).items;
      if (pods.length === 0) return { done: undefined };
      await api.core.deleteCollectionNamespacedPod({ ...inNamespace, gracePeriodSeconds: 0 });
      return { waiting: `${pods.length} pods are still there` };
    },
    { timeoutMs: 60_000 },
  );
  return [...new Set(found.map((object) => object.metadata?.labels?.[RUN_LABEL] ?? ''))];
}

async function ignoreMissing(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
}
