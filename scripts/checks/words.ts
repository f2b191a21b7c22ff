// How findings put figures into words.
import { formatDuration } from '../common/duration.ts';
import { changeAskedMs, type Failure, type History } from '../history/index.ts';

/** `1 call`, `9,000 calls`. */
export const count = (n: number, noun: string): string =>
  `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;

/** `a, b, c and 4 more`. */
export function listOf(items: readonly string[], most = 5): string {
  const shown = items.slice(0, most).join(', ');
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}

/** Puts moments of an arm's history into words: `1.2s after the change`; without a change, the time of day. */
export function momentsOf(history: History, arm: string): (atMs: number) => string {
  const changeMs = changeAskedMs(history, arm);
  return (atMs) => {
    if (changeMs === undefined) return `at ${new Date(atMs).toISOString().slice(11, 23)}`;
    const side = atMs < changeMs ? 'before' : 'after';
    return `${formatDuration(Math.abs(atMs - changeMs))} ${side} the change`;
  };
}

/** `2 UNAVAILABLE, 1 CANCELLED; the first 1.2s after the change, by greeter-client-x: "Connection dropped"`. */
export function describeFailures(failures: readonly Failure[], moment: (atMs: number) => string): string {
  const codes = failures.map(({ code, count }) => `${count} ${code}`).join(', ');
  const [first] = failures.toSorted((a, b) => a.firstMs - b.firstMs);
  if (first === undefined) return 'none';
  return `${codes}; the first ${moment(first.firstMs)}, by ${first.client}: "${first.message}"`;
}

/** `: the reason`, or nothing. */
export const because = (reason: string | undefined): string => (reason === undefined ? '' : `: ${reason}`);
