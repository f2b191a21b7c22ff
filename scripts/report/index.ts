// What a run found, for people and for programs: terminal, run.json, the run's folder.
export { armResult } from './arm-result.ts';
export { junitOf } from './junit.ts';
export { type Live, liveView } from './live.ts';
export { markdownOf } from './markdown.ts';
export { type Plot, type ResultTable, RunDocument } from './run-document.ts';
export { picturesOf, readRun, runFolder, runIds, writeReport, writeRun } from './run-folder.ts';
export { describeRun, listRuns, summarise, summariseAll } from './terminal.ts';
