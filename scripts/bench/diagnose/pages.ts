// What the trials showed, as pages of docs/incidents/.
import { markdownTable } from 'markdown-table';
import { isRight, type Trial } from './trial.ts';

const share = (count: number, of: number): string =>
  `${count} of ${of}${of > 0 ? ` (${((100 * count) / of).toFixed(1)} %)` : ''}`;

export function summaryOf(trials: readonly Trial[]): string {
  const right = trials.filter(isRight).length;
  const healthy = trials.filter(({ before }) => before === 'healthy').length;
  const expected = trials.filter(({ asExpected }) => asExpected).length;
  return `${share(right, trials.length)} right; healthy before: ${share(healthy, trials.length)}; symptoms as expected: ${share(expected, trials.length)}`;
}

/** Rows: what was injected. Columns: what was named first. Only what is not 0 is shown. */
export function confusionMatrix(trials: readonly Trial[]): string {
  const injected = [...new Set(trials.map((each) => each.injected[0] ?? ''))];
  const wrong = [
    ...new Set(
      trials.filter((each) => !isRight(each)).map(({ named, error }) => (error ? 'error' : (named[0] ?? ''))),
    ),
  ];
  const rows = injected.map((cause) => {
    const own = trials.filter((each) => each.injected[0] === cause);
    const count = (name: string) =>
      own.filter((each) => !isRight(each) && (each.error ? 'error' : each.named[0]) === name).length;
    return [
      cause,
      share(own.filter(isRight).length, own.length),
      ...wrong.map((name) => String(count(name) || '')),
    ];
  });
  return markdownTable([['injected', 'named first', ...wrong.map((name) => `taken for ${name}`)], ...rows]);
}

export const pairsTable = (trials: readonly Trial[]): string =>
  markdownTable([
    ['injected', 'and', 'both named', 'all that was named, the most certain first'],
    ...trials.map((each) => [
      each.injected[0] ?? '',
      each.injected[1] ?? '',
      isRight(each) ? 'yes' : 'no',
      each.error ?? each.named.join(', '),
    ]),
  ]);
