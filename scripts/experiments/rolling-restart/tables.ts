// What each arm lost.
import { formatDuration } from '../../common/duration.ts';
import {
  between,
  callsStartedIn,
  failuresOf,
  type History,
  longestSilence,
  silenceMs,
} from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { describe, type RestartArm } from './arms.ts';

export function lossTable(history: History, arms: readonly RestartArm[]): ResultTable {
  const part = between(history, 'change', 'end');
  const rows = arms.map(({ name, expected }) => {
    const calls = callsStartedIn(history, name, part.fromMs, part.untilMs);
    const failures = failuresOf(calls);
    const lost = failures.reduce((sum, { count }) => sum + count, 0);
    const silence = longestSilence(history, name, part);
    return {
      cells: [
        name,
        `${lost} of ${calls.length}`,
        failures.map(({ code, count }) => `${count} ${code}`).join(', ') || '–',
        silence === undefined ? '–' : formatDuration(silenceMs(silence, part)),
        describe(expected),
      ],
      share: calls.length === 0 ? null : lost / calls.length,
    };
  });
  return {
    title: 'What a rolling restart cost',
    columns: ['', 'calls lost', 'codes', 'longest without an answer', 'predicted'],
    rows: rows.map(({ cells }) => cells),
    heat: { values: rows.map(({ share }) => [share, null, null, null]), tone: 'bad' },
  };
}
