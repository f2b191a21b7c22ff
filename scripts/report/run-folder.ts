// .lab/runs/<id>/: everything of one run, written once, when it is over.

import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { stringify } from 'yaml';
import { labRoot } from '../cluster/index.ts';
import type { History } from '../history/index.ts';
import type { RunDocument } from './run-document.ts';

export const runFolder = (id: string): string => join(labRoot(), 'runs', id);

export type RunFiles = {
  document: RunDocument;
  history: History;
  manifests: readonly unknown[];
  /** Further files by name: pod logs, cluster events. */
  extra: Readonly<Record<string, string>>;
};

/** @returns the folder. */
export async function writeRun({ document, history, manifests, extra }: RunFiles): Promise<string> {
  const folder = runFolder(document.id);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'run.json'), `${JSON.stringify(document, null, 2)}\n`);
  await writeFile(
    join(folder, 'manifests.yaml'),
    manifests.map((manifest) => stringify(manifest)).join('---\n'),
  );
  const lines = Readable.from(ndjson(history));
  await pipeline(lines, createGzip(), createWriteStream(join(folder, 'history.ndjson.gz')));
  for (const [name, text] of Object.entries(extra)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

function* ndjson(history: History): Generator<string> {
  for (let from = 0; from < history.length; from += 1000) {
    yield history
      .slice(from, from + 1000)
      .map((event) => `${JSON.stringify(event)}\n`)
      .join('');
  }
}
