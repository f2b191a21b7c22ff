// The HTML report of one run.
import type { HistoryEvent } from '../../history/index.ts';
import type { RunDocument } from '../run-document.ts';
import { browserBundle } from './browser-bundle.ts';
import { chartDataOf } from './chart-data.ts';
import { figuresOf } from './figures.ts';
import { pageOf } from './page.ts';

const FILES = [
  { name: 'run.json', about: 'everything on this page' },
  { name: 'history.ndjson.gz', about: 'every call and every other event, one a line' },
  { name: 'manifests.yaml', about: 'what was deployed' },
];

/** The page of a run; its events are read once, in order. */
export async function htmlReport(
  run: RunDocument,
  events: Iterable<HistoryEvent> | AsyncIterable<HistoryEvent>,
): Promise<string> {
  const data = await chartDataOf(
    events,
    run.arms.map(({ arm }) => arm),
  );
  const figures = figuresOf(data, run.plots);
  return pageOf({ run, figures, ...(await browserBundle()), files: FILES });
}
