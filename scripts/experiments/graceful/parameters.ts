// The parameters of a graceful run, and what is refused.
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';

export type Options = {
  maxConnectionAge: number;
  grace: number | 'off';
  call: number;
  seed: number;
};

export type Parameters = {
  maxConnectionAgeMs: number;
  /** Undefined: a connection may take as long as it likes to end. */
  graceMs: number | undefined;
  callMs: number;
  callsPerSecond: number;
  startSpreadMs: number;
  connectedMs: number;
  windowMs: number;
  seed: number;
};

export const parametersOf = ({ maxConnectionAge, grace, call, seed }: Options): Parameters => {
  const graceMs = grace === 'off' ? undefined : grace;
  return {
    maxConnectionAgeMs: maxConnectionAge,
    graceMs,
    callMs: call,
    callsPerSecond: 2,
    startSpreadMs: 1000,
    // Everyone is connected by then, and no connection is old.
    connectedMs: 1000,
    // Two connections, one after the other, come to their end, whatever the jitter.
    windowMs: Math.ceil(2.2 * maxConnectionAge) + (graceMs ?? 0) + 2000,
    seed,
  };
};

/** With less, connections are gone while the first look at them is taken. */
const SHORTEST_AGE_MS = 3000;
/** Longest of a call: the run waits for those that are in flight at its end. */
const LONGEST_CALL_MS = 60_000;

/** Runs whose verdict could only be `unknown` are refused before they cost a minute. */
export function refuseWhatTellsNothing({ maxConnectionAgeMs, graceMs, callMs }: Parameters): void {
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  if (maxConnectionAgeMs < SHORTEST_AGE_MS) {
    throw refuse(
      `--max-connection-age ${formatDuration(maxConnectionAgeMs)} leaves no time to see a connection`,
      `Make it ${formatDuration(SHORTEST_AGE_MS)} or more.`,
    );
  }
  const shortestMs = (graceMs ?? 0) + 2000;
  if (callMs < shortestMs) {
    throw refuse(
      `--call ${formatDuration(callMs)}: calls would mostly end before anything could cut them`,
      `Make it ${formatDuration(shortestMs)} or more: two seconds above the grace.`,
    );
  }
  if (callMs > LONGEST_CALL_MS) {
    throw refuse(
      `--call ${formatDuration(callMs)} is longer than a run waits`,
      `Make it ${formatDuration(LONGEST_CALL_MS)} or less.`,
    );
  }
}
