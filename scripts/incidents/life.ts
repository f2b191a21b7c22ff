// A world's life: brought up healthy, changed, healed, taken away. What it takes is in the cluster before it is done,
// so that a command that is cut off can be undone by the next one.
import { isDeepStrictEqual } from 'node:util';
import {
  apply,
  type ClusterApi,
  type Manifest,
  type StartedLab,
  shareToken,
  statusOf,
} from '../cluster/index.ts';
import { waitFor } from '../common/wait.ts';
import { arrange } from './arrange.ts';
import type { Variant } from './incident.ts';
import { type Work, worldReady } from './ready.ts';
import { forgetState, type Injected, type State, writeState } from './state.ts';
import { isClient, WORLD_LABEL, type World } from './world.ts';

type Lab = Pick<StartedLab, 'api' | 'manifests'>;

const DELETED_MS = 120_000;

/** Makes a world, or mends what is missing of it, and waits until it is healthy. */
export async function bringUp(
  { api, manifests }: Lab,
  world: World,
  variants: readonly Variant[],
  work: Work,
): Promise<void> {
  const { healthy } = await arrange(manifests, world, variants);
  // Clients that start before the servers know those alone that were Ready first, and look for no others.
  const servers = healthy.filter((manifest) => !isClient(manifest, world));
  await applyWorld(api, world, servers);
  await worldReady(api, servers, 'every pod Ready', work);
  await apply(
    api,
    healthy.filter((manifest) => isClient(manifest, world)),
  );
  await deleteOthers(api, world, healthy);
  await worldReady(api, healthy, 'every pod Ready', work);
}

/**
 * Injects one incident into a healthy world, beside what is injected already.
 *
 * @param wrong those that are injected already, and the new one.
 * @param arranged all for which the world is arranged; default: the same.
 */
export async function inject(
  { api, manifests }: Lab,
  state: State,
  injected: Omit<Injected, 'prepared'>,
  wrong: readonly Variant[],
  work: Work,
  arranged: readonly Variant[] = wrong,
): Promise<void> {
  const { world } = state;
  const actions = wrong.at(-1)?.actions ?? [];
  const prepared: Record<string, unknown> = {};
  for (const action of actions) prepared[action.name] = await action.prepare(api, world);
  // From here on it is known what to undo.
  await writeState(api, { ...state, injected: [...state.injected, { ...injected, prepared }] });
  const { healthy, injected: changed } = await arrange(manifests, world, arranged, wrong);
  await applyWorld(api, world, changed, healthy);
  // What is done to pods is done to those that stay.
  if (actions.length > 0) await worldReady(api, changed, 'the clients Ready', work);
  for (const action of actions) await action.inject(api, world);
  await worldReady(api, changed, 'the clients Ready', work);
}

/**
 * Undoes all that is injected but `left`.
 *
 * @param variantOf finds what was injected by what the state says of it.
 */
export async function heal(
  { api, manifests }: Lab,
  state: State,
  left: readonly Injected[],
  variantOf: (injected: Injected) => Variant,
  work: Work,
): Promise<void> {
  const { world } = state;
  const gone = state.injected.filter((each) => !left.includes(each));
  // Arranged as before: what was well connected is not made to connect again.
  const { injected: manifestsLeft } = await arrange(
    manifests,
    world,
    state.injected.map(variantOf),
    left.map(variantOf),
  );
  await applyWorld(api, world, manifestsLeft);
  await deleteOthers(api, world, manifestsLeft);
  for (const each of gone)
    for (const action of variantOf(each).actions ?? [])
      await action.heal(api, world, each.prepared[action.name]);
  await worldReady(api, manifestsLeft, left.length === 0 ? 'every pod Ready' : 'the clients Ready', work);
  await writeState(api, { world, injected: [...left] });
}

/** Takes a world away, with all that is injected into it. */
export async function takeAway(api: ClusterApi, { world }: State, work: Work): Promise<void> {
  for (const name of new Set([world.namespace, world.clientNamespace])) {
    await api.core.deleteNamespace({ name, gracePeriodSeconds: 0 }).catch(ignoreMissing);
    await waitFor(
      `the deletion of namespace ${name}`,
      async () => ((await exists(api, name)) ? { waiting: 'it is still there' } : { done: undefined }),
      { timeoutMs: DELETED_MS, signal: work.signal },
    );
  }
  await forgetState(api, world);
}

async function exists(api: ClusterApi, namespace: string): Promise<boolean> {
  try {
    await api.core.readNamespace({ name: namespace });
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

/** @param before what is there: objects that are the same are left alone. */
async function applyWorld(
  api: ClusterApi,
  world: World,
  manifests: readonly Manifest[],
  before: readonly Manifest[] = [],
): Promise<void> {
  const isNamespace = ({ kind }: Manifest) => kind === 'Namespace';
  const changed = manifests.filter((manifest) => !before.some((each) => isDeepStrictEqual(each, manifest)));
  await apply(api, changed.filter(isNamespace));
  if (before.length === 0)
    for (const namespace of new Set([world.namespace, world.clientNamespace]))
      await shareToken(api, namespace);
  // What pods take settings from is there before them.
  await apply(
    api,
    changed.filter((manifest) => !isNamespace(manifest) && manifest.kind !== 'Deployment'),
  );
  await apply(
    api,
    changed.filter(({ kind }) => kind === 'Deployment'),
  );
}

/** Objects that an incident, or its arrangement, has added. */
async function deleteOthers(api: ClusterApi, world: World, wanted: readonly Manifest[]): Promise<void> {
  const kinds = [
    ['networking.k8s.io/v1', 'NetworkPolicy'],
    ['apps/v1', 'Deployment'],
    ['v1', 'Service'],
    ['v1', 'Secret'],
  ] as const;
  for (const [apiVersion, kind] of kinds) {
    const { items } = await api.objects
      .list(
        apiVersion,
        kind,
        world.namespace,
        undefined,
        undefined,
        undefined,
        undefined,
        `${WORLD_LABEL}=${world.namespace}`,
      )
      .catch((error: unknown) => {
        // A provider without this kind has none of it.
        if (statusOf(error) === 404 || /Unrecognized API version/.test(String(error))) return { items: [] };
        throw error;
      });
    const others = items.filter(
      ({ metadata }) => !wanted.some((each) => each.kind === kind && each.metadata.name === metadata?.name),
    );
    for (const { metadata } of others)
      await api.objects
        .delete({
          apiVersion,
          kind,
          metadata: { name: metadata?.name ?? '', namespace: world.namespace },
        })
        .catch(ignoreMissing);
  }
}

const ignoreMissing = (error: unknown): void => {
  if (statusOf(error) !== 404) throw error;
};
