// Ways by kinds of outage: how long after Ready, what was lost, what was said.
import { formatDuration } from '../../common/duration.ts';
import { callsStartedIn, changeAskedMs, failuresOf, type History, outageOf } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { KINDS, type OutageArm, WAYS } from './ways.ts';

type Cell = { text: string; value: number | null };

/** A row for each way, a column for each kind. */
function matrix(
  title: string,
  arms: readonly OutageArm[],
  cellOf: (arm: string) => Cell,
): Required<ResultTable> {
  const cells = WAYS.map((way) =>
    KINDS.map((kind) => {
      const arm = arms.find((each) => each.kind === kind && each.way === way);
      return arm === undefined ? { text: '', value: null } : cellOf(arm.name);
    }),
  );
  return {
    title,
    columns: ['', ...KINDS],
    rows: WAYS.map((way, row) => [way, ...(cells[row] ?? []).map(({ text }) => text)]),
    heat: { values: cells.map((row) => row.map(({ value }) => value)), tone: 'bad' },
  };
}

export const recoveryTable = (history: History, arms: readonly OutageArm[]): ResultTable =>
  matrix('From Ready to the first answer', arms, (arm) => {
    const outage = outageOf(history, arm);
    if ('missing' in outage) return { text: '–', value: null };
    const { recoveryMs, downMs } = outage;
    if (recoveryMs === undefined) return { text: `never (down ${formatDuration(downMs)})`, value: null };
    // What is Ready is told by the API, and a client may be there before the lab hears of it.
    const afterMs = Math.max(0, recoveryMs);
    return { text: `${formatDuration(afterMs)} (down ${formatDuration(downMs)})`, value: afterMs / 1000 };
  });

const failuresAfter = (history: History, arm: string) => {
  const changeMs = changeAskedMs(history, arm) ?? Number.POSITIVE_INFINITY;
  const calls = callsStartedIn(history, arm, changeMs, Number.POSITIVE_INFINITY);
  return { calls: calls.length, failures: failuresOf(calls) };
};

export const lossTable = (history: History, arms: readonly OutageArm[]): ResultTable =>
  matrix('Calls lost since the change, by code', arms, (arm) => {
    const { calls, failures } = failuresAfter(history, arm);
    const lost = failures.reduce((sum, { count }) => sum + count, 0);
    const text = failures.map(({ code, count }) => `${count} ${code}`).join(', ') || 'none';
    return { text, value: calls === 0 ? null : lost / calls };
  });

export function messageTable(history: History, arms: readonly OutageArm[]): ResultTable {
  const { heat, ...table } = matrix('What most of them said', arms, (arm) => {
    const changeMs = changeAskedMs(history, arm) ?? Number.POSITIVE_INFINITY;
    const failed = callsStartedIn(history, arm, changeMs, Number.POSITIVE_INFINITY).filter(
      ({ code }) => code !== 'OK',
    );
    const byMessage = Map.groupBy(failed, ({ message = '' }) => firstWords(message));
    const [most] = [...byMessage].sort(([, a], [, b]) => b.length - a.length);
    return { text: most?.[0] ?? '–', value: null };
  });
  return table;
}

/** Without what differs from call to call, times, addresses and notes, and what each layer says again. */
const firstWords = (message: string): string =>
  message
    .replace(/^(?:\w+: )?(No connection established\. Last error: )+/, '$1')
    .replace(/\d+(\.\d+){3}(:\d+)?/g, '…')
    .replace(/\d+(\.\d+)?m?s/g, '…')
    .replace(/\. Resolution note:.*$/s, '')
    .slice(0, 110);
