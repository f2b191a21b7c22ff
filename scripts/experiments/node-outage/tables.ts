// What the loss of the node cost each client.
import { blackHoleOf } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { callsStartedIn, type FaultSpan, type History } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { ARMS } from './arms.ts';

export function lostTable(history: History, lost: FaultSpan | undefined): ResultTable {
  const rows = ARMS.map((arm) => rowOf(history, arm, lost));
  return {
    title: 'What the loss of the node cost',
    columns: ['client', 'lost while it was away', 'with', 'for', 'lost once it was back'],
    rows: rows.map(({ cells }) => cells),
    heat: { values: rows.map(({ lostForS }) => [null, null, lostForS, null]), tone: 'bad' },
  };
}

function rowOf(
  history: History,
  arm: string,
  lost: FaultSpan | undefined,
): { cells: string[]; lostForS: number | null } {
  const part = { fromMs: lost?.askedMs ?? Number.NEGATIVE_INFINITY, untilMs: lost?.healAskedMs ?? 0 };
  const seen = blackHoleOf(history, arm, part);
  if (seen === undefined) return { cells: [arm, '–', '–', '–', '–'], lostForS: null };
  const after = callsStartedIn(history, arm, part.untilMs, Number.POSITIVE_INFINITY);
  return {
    cells: [
      arm,
      `${seen.lost} of ${callsStartedIn(history, arm, part.fromMs, part.untilMs).length}`,
      seen.failures.map(({ code }) => code).join(', ') || '–',
      seen.lostForMs === undefined ? 'none' : formatDuration(seen.lostForMs),
      `${after.filter(({ code }) => code !== 'OK').length} of ${after.length}`,
    ],
    lostForS: seen.lostForMs === undefined ? 0 : seen.lostForMs / 1000,
  };
}
