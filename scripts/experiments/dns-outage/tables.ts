// What each client saw while DNS was broken, and when it was mended.
import { formatDuration } from '../../common/duration.ts';
import { between, callsStartedIn, failuresOf, type History } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { type ArmName, brokenPart, CONNECTED, LATE, MENDED } from './arms.ts';

export const seenTable = (history: History): ResultTable => {
  const rows = [...CONNECTED, ...LATE].map((arm) => rowOf(history, arm));
  return {
    title: 'Who noticed',
    columns: ['client', 'lost while DNS was broken', 'with', 'once it was mended'],
    rows: rows.map(({ cells }) => cells),
    heat: { values: rows.map(({ lost }) => [lost, null, null]), tone: 'bad' },
  };
};

function rowOf(history: History, arm: ArmName): { cells: string[]; lost: number | null } {
  const { fromMs: mendedMs, untilMs } = between(history, MENDED, 'end');
  const { fromMs, untilMs: overMs } = brokenPart(history);
  const broken = callsStartedIn(history, arm, fromMs, overMs);
  const lost = broken.filter(({ code }) => code !== 'OK').length;
  const codes = failuresOf(broken).map(({ code }) => code);
  const since = callsStartedIn(history, arm, mendedMs, untilMs);
  return {
    cells: [
      arm,
      `${lost} of ${broken.length}`,
      codes.join(', ') || '–',
      since.every(({ code }) => code === 'OK') ? 'all answered' : answeredAfter(since, mendedMs),
    ],
    lost: broken.length === 0 ? null : lost / broken.length,
  };
}

function answeredAfter(calls: ReturnType<typeof callsStartedIn>, mendedMs: number): string {
  const answered = calls.find(({ code }) => code === 'OK');
  return answered === undefined
    ? 'never answered'
    : `answered after ${formatDuration(answered.atMs - mendedMs)}`;
}
