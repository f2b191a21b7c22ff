// Ways by kinds of outage: how long after Ready, what was lost, what was said.
import { formatDuration } from '../../common/duration.ts';
import {
  type Call,
  callsStartedIn,
  changeAskedMs,
  failuresOf,
  type History,
  outageOf,
} from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { KINDS, type OutageArm, WAYS } from './ways.ts';

type Cell = { text: string; value: number | null };

/** A row for each way, a column for each kind. */
function matrix(title: string, arms: readonly OutageArm[], cellOf: (arm: string) => Cell): ResultTable {
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

const callsSince = (history: History, arm: string): Call[] =>
  callsStartedIn(
    history,
    arm,
    changeAskedMs(history, arm) ?? Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  );

const failed = (calls: readonly Call[]): Call[] => calls.filter(({ code }) => code !== 'OK');

export const lossTable = (history: History, arms: readonly OutageArm[]): ResultTable =>
  matrix('Calls lost since the change', arms, (arm) => {
    const calls = callsSince(history, arm);
    const lost = failed(calls).length;
    return { text: `${lost} of ${calls.length}`, value: calls.length === 0 ? null : lost / calls.length };
  });

export const messageTable = (history: History, arms: readonly OutageArm[]): ResultTable => ({
  title: 'What those that failed said',
  columns: ['', 'codes', 'most of them'],
  rows: arms.map(({ name }) => {
    const calls = failed(callsSince(history, name));
    const codes = failuresOf(calls).map(({ code, count }) => `${count} ${code}`);
    const byMessage = Map.groupBy(calls, ({ message = '' }) => firstWords(message));
    const [most] = [...byMessage].sort(([, a], [, b]) => b.length - a.length);
    return [name, codes.join(', ') || 'none', most?.[0] ?? '–'];
  }),
});

const LONGEST_MESSAGE = 72;

/** Without what differs from call to call or is long, times, addresses and names, and what each layer says again. */
const firstWords = (message: string): string => {
  const words = message
    .replace(/^(?:\w+: )?(No connection established\. Last error: )+/, '$1')
    .replace(/\d+(\.\d+){3}(:\d+)?/g, '…')
    .replace(/\d+(\.\d+)?m?s/g, '…')
    .replace(/\b(target|Service) \S+?(:? |$)/g, '$1 …$2')
    .replace(/\. Resolution note:.*$/s, '')
    .trim();
  return words.length > LONGEST_MESSAGE ? `${words.slice(0, LONGEST_MESSAGE - 1)}…` : words;
};
