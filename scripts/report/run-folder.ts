// .lab/runs/<id>/: everything of one run, written once, when it is over.

import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { stringify } from 'yaml';
import { z } from 'zod';
import { labRoot } from '../cluster/index.ts';
import { LabError, messageOf } from '../common/errors.ts';
import type { History, HistoryEvent } from '../history/index.ts';
import { figuresOfRun, htmlReport } from './html/index.ts';
import { svgOf } from './html/svg.ts';
import { RunDocument } from './run-document.ts';

/** Of a history that is read back at once. */
const CHUNK_BYTES = 1_000_000;

const runsRoot = (): string => join(labRoot(), 'runs');

export const runFolder = (id: string): string => join(runsRoot(), id);

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
  await writeReport(document, history);
  return folder;
}

/**
 * Makes the page of a run, anew where there is one.
 *
 * @param history default: the one in its folder.
 * @returns the file.
 */
export async function writeReport(document: RunDocument, history?: History): Promise<string> {
  const file = join(runFolder(document.id), 'report.html');
  await writeFile(file, await htmlReport(document, history ? [history] : readHistory(document.id)));
  return file;
}

type Picture = { id: string; svg: string; summary: string };

/**
 * Figures of a run's page, one by one.
 *
 * @param ids of figures, in the order in which they are wanted.
 * @throws Error when the page has none of that id.
 */
export async function picturesOf(run: RunDocument, ids: readonly string[]): Promise<Picture[]> {
  if (ids.length === 0) return [];
  const figures = await figuresOfRun(run, readHistory(run.id));
  return Promise.all(
    ids.map(async (id) => {
      const figure = figures.find((one) => one.id === id);
      if (!figure) throw new Error(`the run ${run.id} has no figure ${id}`);
      return { id, svg: await svgOf(figure), summary: figure.summary };
    }),
  );
}

/** Ids of all runs that were written to their end, the newest first. */
export async function runIds(): Promise<string[]> {
  const entries = await readdir(runsRoot(), { withFileTypes: true }).catch(() => []);
  return (
    entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      // What else is kept beside them: facts of diagnoses, runs that were cut off.
      .filter((name) => existsSync(join(runFolder(name), 'run.json')))
      .sort()
      .reverse()
  );
}

/** @throws LabError `usage` when there is no such run, or what is there is none. */
export async function readRun(id: string): Promise<RunDocument> {
  try {
    return RunDocument.parse(JSON.parse(await readFile(join(runFolder(id), 'run.json'), 'utf8')));
  } catch (error) {
    const why =
      error instanceof z.ZodError
        ? `it is of another version of the lab (${error.issues.map(({ path }) => path.join('.')).join(', ')})`
        : messageOf(error);
    throw new LabError('usage', `the run ${id} cannot be read: ${why}`, {
      hint: 'npm run report -- --list shows those that are there.',
      cause: error,
    });
  }
}

/** The events of a run in order, some thousands at a time: a million of them one by one would take twice as long. */
export async function* readHistory(id: string): AsyncGenerator<HistoryEvent[]> {
  const text = createReadStream(join(runFolder(id), 'history.ndjson.gz'))
    .pipe(createGunzip({ chunkSize: CHUNK_BYTES }))
    .setEncoding('utf8');
  let rest = '';
  for await (const chunk of text) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield lines.filter(Boolean).map((line) => JSON.parse(line) as HistoryEvent);
  }
  if (rest) yield [JSON.parse(rest) as HistoryEvent];
}

function* ndjson(history: History): Generator<string> {
  for (let from = 0; from < history.length; from += 1000) {
    yield history
      .slice(from, from + 1000)
      .map((event) => `${JSON.stringify(event)}\n`)
      .join('');
  }
}
