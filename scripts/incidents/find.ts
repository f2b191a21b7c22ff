// Finds incidents by their files: there is no list to keep.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Incident, Variant } from './incident.ts';

/** Every incident, in the order of the list. */
export async function findIncidents(): Promise<Incident[]> {
  const dir = join(import.meta.dirname, 'causes');
  const files = (await readdir(dir)).filter((file) => file.endsWith('.ts'));
  const incidents = await Promise.all(
    files.map(
      async (file) => ((await import(pathToFileURL(join(dir, file)).href)) as { default: Incident }).default,
    ),
  );
  return incidents.sort((a, b) => a.order - b.order);
}

/** The usual way in which an incident comes, or the one that is asked for. */
export function variantOf(incident: Incident, name?: string): { name: string; variant: Variant } | undefined {
  const [usual] = Object.keys(incident.variants);
  const chosen = name ?? usual ?? '';
  const variant = incident.variants[chosen];
  return variant && { name: chosen, variant };
}
