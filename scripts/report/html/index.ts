// The HTML report of one run.
import type { History } from '../../history/index.ts';
import type { RunDocument } from '../run-document.ts';
import { browserBundle } from './browser-bundle.ts';
import { chartDataOf } from './chart-data.ts';
import type { Figure } from './figure.ts';
import { figuresOf } from './figures.ts';
import { pageOf } from './page.ts';

const FILES = [
  { name: 'run.json', about: 'everything on this page' },
  { name: 'history.ndjson.gz', about: 'every call and every other event, one a line' },
  { name: 'manifests.yaml', about: 'what was deployed' },
];

/** The charts of a run, as data. */
export const figuresOfRun = async (
  run: RunDocument,
  batches: Iterable<History> | AsyncIterable<History>,
): Promise<Figure[]> =>
  figuresOf(
    await chartDataOf(
      batches,
      run.arms.map(({ arm }) => arm),
    ),
    run.plots,
  );

/** The page of a run. @param batches its events in order, which are read once. */
export async function htmlReport(
  run: RunDocument,
  batches: Iterable<History> | AsyncIterable<History>,
): Promise<string> {
  const figures = await figuresOfRun(run, batches);
  return pageOf({ run, figures, ...(await browserBundle()), files: FILES });
}
