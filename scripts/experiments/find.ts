// Finds experiments by their folders: there is no list to keep.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Experiment } from './experiment.ts';

/** Every experiment, in the order in which they are best read. */
export async function findExperiments(): Promise<Experiment[]> {
  const entries = await readdir(import.meta.dirname, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const experiments = await Promise.all(
    folders.map(async (folder) => {
      const file = pathToFileURL(join(import.meta.dirname, folder, 'index.ts')).href;
      return ((await import(file)) as { default: Experiment }).default;
    }),
  );
  return experiments.sort((a, b) => a.order - b.order);
}
