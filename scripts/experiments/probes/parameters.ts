// The parameters of a probes run, and what is refused.
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { SLACK_MS } from '../dns-period.ts';

export type Options = { probePeriod: number; execTimeout: number; scriptWork: number };

export type Parameters = {
  probePeriodSeconds: number;
  /** timeoutSeconds of the two exec probes. */
  execTimeoutSeconds: number;
  longTimeoutSeconds: number;
  /** That the script takes beside starting and asking. */
  scriptWorkMs: number;
  /** How often the script is timed. */
  scriptRuns: number;
  /** Longest that pods are given to start. */
  startMs: number;
  baselineMs: number;
  /** Longest from what a server says to its pod's readiness: by a probe that answers at once, and by the script. */
  boundMs: number;
  execBoundMs: number;
  faultMs: number;
  healedMs: number;
};

const LONG_TIMEOUT_SECONDS = 5;

export function parametersOf({ probePeriod, execTimeout, scriptWork }: Options): Parameters {
  const boundMs = probePeriod * 1000 + SLACK_MS;
  // A probe that has just begun asks before the change; its next one takes its time.
  const execBoundMs = boundMs + LONG_TIMEOUT_SECONDS * 1000;
  return {
    probePeriodSeconds: probePeriod,
    execTimeoutSeconds: execTimeout,
    longTimeoutSeconds: LONG_TIMEOUT_SECONDS,
    scriptWorkMs: scriptWork,
    scriptRuns: 5,
    startMs: 60_000,
    baselineMs: 3 * probePeriod * 1000,
    boundMs,
    execBoundMs,
    faultMs: execBoundMs + 1000,
    healedMs: execBoundMs + 1000,
  };
}

/** Of the longer time-out: what else an exec probe costs has to fit in. */
const MOST_WORK_MS = (LONG_TIMEOUT_SECONDS * 1000) / 2 - 500;

/** Runs whose verdict could only be `unknown` are refused before they cost a minute. */
export function refuseWhatTellsNothing({ scriptWorkMs }: Parameters): void {
  if (scriptWorkMs <= MOST_WORK_MS) return;
  throw new LabError(
    'usage',
    `--script-work ${formatDuration(scriptWorkMs)} does not leave the long time-out of ${LONG_TIMEOUT_SECONDS}s enough room`,
    { hint: `Make it ${formatDuration(MOST_WORK_MS)} or less.` },
  );
}
