// The objects of a world, healthy and with what is wrong in it: pure, but for certificates that are made anew.
import { createHash } from 'node:crypto';
import type { Manifest } from '../cluster/index.ts';
import type { Variant } from './incident.ts';
import { type Draft, draftOf, manifestsOf, type World } from './world.ts';

/** Annotation of the clients' pods: which healthy servers they were started for. */
const SERVERS_ANNOTATION = 'grpc-kind-lab.dev/servers';

export type Arrangement = { healthy: Manifest[]; injected: Manifest[] };

/**
 * @param variants for which the world is arranged.
 * @param wrong those of them that are injected, in their order; default: all.
 */
export async function arrange(
  manifests: readonly Manifest[],
  world: World,
  variants: readonly Variant[],
  wrong: readonly Variant[] = variants,
): Promise<Arrangement> {
  const draft = draftOf(manifests, world);
  for (const { before } of variants) before?.(draft, world);
  startWithServers(draft);
  const healthy = structuredClone(manifestsOf(draft));
  for (const { change } of wrong) await change?.(draft, world);
  return { healthy, injected: manifestsOf(draft) };
}

/** Clients that lost healthy servers to other healthy ones would wait for their next resolution: they start anew. */
function startWithServers({ server, client, earlier }: Draft): void {
  const hash = createHash('sha256').update(JSON.stringify(server.spec.template)).digest('hex').slice(0, 12);
  for (const { spec } of [client, earlier])
    spec.template.metadata = { ...spec.template.metadata, annotations: { [SERVERS_ANNOTATION]: hash } };
}
