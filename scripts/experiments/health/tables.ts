// What became of the server that said NOT_SERVING: its endpoint, and its share of the calls.
import {
  between,
  callsStartedIn,
  faultSpan,
  type History,
  type Part,
  readyInSlices,
} from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { type Arm, FAULTS, serviceOf } from './arms.ts';

/** The end of each part, when all has come about that will. */
const SETTLED_MS = 4000;

export function seenTable(history: History, arms: readonly Arm[]): ResultTable {
  const whole = between(history, 'baseline', 'end');
  const [service, all] = FAULTS.map(({ name }) => between(history, name, `${name} over`));
  const ends = [service?.fromMs, service?.untilMs, all?.fromMs, all?.untilMs, whole.untilMs];
  const parts = ends.map((endMs = whole.untilMs): Part => ({ fromMs: endMs - SETTLED_MS, untilMs: endMs }));
  const rows = arms.map(({ name, asks }) => {
    const [pod] = faultSpan(history, name, FAULTS[0]?.name ?? '')?.pods ?? [];
    const cells = parts.map((part) => cellOf(history, name, pod, part));
    return { head: `${name} (${asks === undefined ? 'TCP' : `"${asks}"`})`, cells };
  });
  return {
    title: 'The server that says NOT_SERVING: its endpoint, and its share of the calls',
    columns: ['arm (probe asks)', 'before', '"greet.Greeter"', 'healed', '""', 'healed again'],
    rows: rows.map(({ head, cells }) => [head, ...cells.map(({ text }) => text)]),
    heat: { values: rows.map(({ cells }) => cells.map(({ share }) => share)), tone: 'neutral' },
  };
}

function cellOf(history: History, arm: string, pod: string | undefined, { fromMs, untilMs }: Part) {
  const calls = callsStartedIn(history, arm, fromMs, untilMs).filter((call) => call.pod !== undefined);
  if (pod === undefined || calls.length === 0) return { text: '–', share: null };
  const share = calls.filter((call) => call.pod === pod).length / calls.length;
  const isReady = readyInSlices(history, arm, serviceOf(arm), pod).some(
    (span) => span.fromMs < untilMs && (span.toMs ?? Number.POSITIVE_INFINITY) >= untilMs,
  );
  return { text: `${isReady ? 'ready' : 'not ready'}, ${(100 * share).toFixed(0)}%`, share };
}
