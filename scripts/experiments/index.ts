// Questions and how to answer them, one folder each; and what runs them.
export { COVERAGE, type Convergence, predictSlowest } from './convergence.ts';
export type { Experiment } from './experiment.ts';
export { findExperiments } from './find.ts';
export { RETRY_UNAVAILABLE } from './load.ts';
export { howItHeld, MEASURED_FILE, type Measured, type MeasuredScaleOut, readMeasured } from './measured.ts';
export { type OnLab, onLab, type Running } from './on-lab.ts';
