// Questions and how to answer them, one folder each; and what runs them.
export type { Experiment } from './experiment.ts';
export { findExperiments } from './find.ts';
export { runPlan } from './run-plan.ts';
