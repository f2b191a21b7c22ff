// What became of each pod, and what the kubelet said of it; what it costs to run a script.
import { probeFailures, scriptRuns } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { between, type History, type Part, podsOf, SERVER_APP } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { type Arm, FAULT, TIMED_IN } from './arms.ts';

const MOST_TEXT = 60;

export function probeTable(history: History, arms: readonly Arm[]): ResultTable {
  const { fromMs, untilMs } = between(history, FAULT, `${FAULT} over`);
  const baseline = between(history, 'baseline', FAULT);
  const endMs = between(history, FAULT, 'end').untilMs;
  return {
    title: 'Ready, by the readiness probe',
    columns: ['probe', 'serving', 'NOT_SERVING', 'serving again', 'probes failed'],
    rows: arms.map(({ name }) => {
      const failures = probeFailures(history, name);
      const failed = failures.reduce((sum, { count }) => sum + count, 0);
      return [
        name,
        readyIn(history, name, { ...baseline, untilMs: fromMs }),
        // When all has come about that will: at the end.
        readyIn(history, name, { fromMs: untilMs - 500, untilMs }),
        readyIn(history, name, { fromMs: endMs - 500, untilMs: endMs }),
        `${failed}`,
      ];
    }),
  };
}

/** The most frequent of what it said, for each probe that failed. */
export const saidTable = (history: History, arms: readonly Arm[]): ResultTable => ({
  title: 'What the kubelet said of probes that failed',
  columns: ['probe', ''],
  rows: arms.flatMap(({ name }) => {
    const [most] = probeFailures(history, name);
    if (most === undefined) return [];
    const said = most.message.replace(/^Readiness probe \w+: /, '');
    return [[name, said.length > MOST_TEXT ? `${said.slice(0, MOST_TEXT)}…` : said]];
  }),
});

function readyIn(history: History, arm: string, { fromMs, untilMs }: Part): string {
  const spans = podsOf(history, arm, SERVER_APP).flatMap(({ ready }) => ready);
  const until = (toMs: number | undefined) => toMs ?? Number.POSITIVE_INFINITY;
  if (spans.some((span) => span.fromMs <= fromMs && until(span.toMs) >= untilMs)) return 'Ready';
  return spans.some((span) => span.fromMs < untilMs && until(span.toMs) > fromMs)
    ? 'now and then'
    : 'not Ready';
}

export function scriptTable(history: History, arms: readonly Arm[]): ResultTable {
  const runs = scriptRuns(history, TIMED_IN);
  const took =
    runs === undefined ? '?' : `${formatDuration(runs.fastestMs)} to ${formatDuration(runs.slowestMs)}`;
  return {
    title: 'The health-probe script in a server pod: what it takes, and what it has',
    columns: ['probe', 'took', 'timeoutSeconds', 'timed out'],
    rows: arms.flatMap(({ name, timeoutMs }) => {
      if (timeoutMs === undefined) return [];
      const timedOut = probeFailures(history, name).filter(({ message }) => /timed out/.test(message));
      return [[name, took, `${timeoutMs / 1000}`, `${timedOut.reduce((sum, { count }) => sum + count, 0)}`]];
    }),
  };
}
