// The parameters of a dns run, and what is refused.
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';

export type Options = {
  from: number;
  to: number;
  readinessProbe: 'on' | 'off';
  bound: number;
  settle: number;
  seed: number;
};

export type Parameters = {
  /** Server replicas before and after. */
  from: number;
  to: number;
  /** Whether servers have a readiness probe at all. */
  readinessProbe: 'on' | 'off';
  /** Longest time from a change of the EndpointSlices to the answer. */
  boundMs: number;
  /** After each change. */
  settleMs: number;
  /** Of the client, for a pulse: one that is starved asks no questions either. */
  ratePerSecond: number;
  deadlineMs: number;
  seed: number;
};

export const parametersOf = (options: Options): Parameters => ({
  from: options.from,
  to: options.to,
  readinessProbe: options.readinessProbe,
  boundMs: options.bound,
  settleMs: options.settle,
  ratePerSecond: 10,
  deadlineMs: 1000,
  seed: options.seed,
});

/** Asking takes time too: four questions a second, each of several queries. */
const LEAST_BOUND_MS = 500;
/** For the API to tell, beyond the time that answers may take. */
const BEYOND_BOUND_MS = 1000;

/** Runs whose verdict could only be `unknown`, or that could show nothing, are refused. */
export function refuseWhatTellsNothing({ from, to, boundMs, settleMs }: Parameters): void {
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  if (to <= from) throw refuse(`--to ${to} adds no pod to --from ${from}`, 'Make --to larger.');
  if (boundMs < LEAST_BOUND_MS) {
    throw refuse(
      `--bound ${formatDuration(boundMs)} is shorter than what it takes to see an answer`,
      `Make it ${formatDuration(LEAST_BOUND_MS)} or more.`,
    );
  }
  if (settleMs < boundMs + BEYOND_BOUND_MS) {
    throw refuse(
      `--settle ${formatDuration(settleMs)} ends before --bound ${formatDuration(boundMs)} can be judged`,
      `Make it ${formatDuration(boundMs + BEYOND_BOUND_MS)} or more.`,
    );
  }
}
