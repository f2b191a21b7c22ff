// The objects of a world, healthy and with what is wrong in it: pure, but for certificates that are made anew.
import type { Manifest } from '../cluster/index.ts';
import type { Variant } from './incident.ts';
import { draftOf, manifestsOf, type World } from './world.ts';

export type Arrangement = { healthy: Manifest[]; injected: Manifest[] };

/** @param variants what is wrong, in the order in which it went wrong. */
export async function arrange(
  manifests: readonly Manifest[],
  world: World,
  variants: readonly Variant[],
): Promise<Arrangement> {
  const draft = draftOf(manifests, world);
  for (const { before } of variants) before?.(draft, world);
  const healthy = structuredClone(manifestsOf(draft));
  for (const { change } of variants) await change?.(draft, world);
  return { healthy, injected: manifestsOf(draft) };
}
