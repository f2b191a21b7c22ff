import { formatDuration } from '../common/duration.ts';
import { eventsOf, type History, podsOf, SERVER_APP } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { probeFailures } from './never-ready.ts';
import { count } from './words.ts';

export type ScriptRuns = { fastestMs: number; slowestMs: number; runs: number };

/** How long the health-probe script took in the pods of an arm; undefined when it was never run, or failed. */
export function scriptRuns(history: History, arm: string): ScriptRuns | undefined {
  const runs = eventsOf(history, 'health-probe').flatMap((probed) => (probed.arm === arm ? probed.runs : []));
  if (runs.length === 0 || runs.some(({ code }) => code !== 0)) return undefined;
  const took = runs.map(({ ms }) => ms);
  return { fastestMs: Math.min(...took), slowestMs: Math.max(...took), runs: runs.length };
}

type Params = {
  arm: string;
  timeoutMs: number;
  /** The arm in whose pods the script was timed. */
  timedIn: string;
};

/**
 * An exec probe's time-out holds: a pod whose script takes longer than it each time is never Ready. Where it takes less
 * by itself, the machine decides, which runs the probe beside all else: that it was timed out then says no more than it.
 */
export function execTimeout(history: History, { arm, timeoutMs, timedIn }: Params): Finding {
  const say = sayFor('exec-timeout', arm);
  const runs = scriptRuns(history, timedIn);
  if (runs === undefined) return say.unknown('it is not known how long the script takes');
  const pods = podsOf(history, arm, SERVER_APP);
  if (pods.length === 0) return say.unknown('there was no pod');
  const timedOut = probeFailures(history, arm)
    .filter(({ message }) => /timed out/.test(message))
    .reduce((sum, failure) => sum + failure.count, 0);
  const wasReady = pods.some(({ readyAtMs }) => readyAtMs !== undefined);
  const message =
    `the script took ${formatDuration(runs.fastestMs)} to ${formatDuration(runs.slowestMs)} in ${count(runs.runs, 'run')}; ` +
    `with a time-out of ${formatDuration(timeoutMs)} the pod was ${wasReady ? '' : 'never '}Ready, ${count(timedOut, 'probe')} timed out`;
  if (runs.fastestMs > timeoutMs) return wasReady ? say.fail(message) : say.pass(message);
  if (!wasReady && timedOut === 0)
    return say.fail(`${message}, and nothing else that was expected kept it from being`);
  return say.pass(message);
}

/** Of the time that a script has: what else a probe costs fits into the rest. */
const IN_TIME = 0.8;

/** The script took so much less than the time that it has that its probes are made in time. */
export function scriptInTime(history: History, { arm, timeoutMs, timedIn }: Params): Finding {
  const say = sayFor('script-in-time', arm);
  const runs = scriptRuns(history, timedIn);
  if (runs === undefined) return say.unknown('it is not known how long the script takes');
  const message = `the script took up to ${formatDuration(runs.slowestMs)}, it has ${formatDuration(timeoutMs)}`;
  return runs.slowestMs <= IN_TIME * timeoutMs
    ? say.pass(message)
    : say.unknown(`the machine is too busy to tell: ${message}`);
}
