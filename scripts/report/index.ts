// What a run found, for people and for programs: terminal, run.json, the run's folder.
export { armResult } from './arm-result.ts';
export { type Live, liveView } from './live.ts';
export { type ResultTable, RunDocument } from './run-document.ts';
export { runFolder, writeRun } from './run-folder.ts';
export { describeRun, summarise } from './terminal.ts';
