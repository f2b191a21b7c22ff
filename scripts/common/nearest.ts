// What somebody meant who typed a name that is not there.
import { LabError } from './errors.ts';

/** How many names of what is there are told. */
const MOST_LISTED = 20;

/** The word that takes the fewest edits to get to; undefined when none is near. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const [best] = words
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  return best && best.edits <= Math.max(2, word.length * 0.4) ? best.candidate : undefined;
}

/**
 * @param kind of thing: `Service`.
 * @param where it was looked for: `shop`.
 */
export function unknownName(
  kind: string,
  name: string,
  there: readonly string[] | undefined,
  where: string,
): LabError {
  const meant = nearest(name, there ?? []);
  const listed = (there ?? []).toSorted().slice(0, MOST_LISTED).join(', ');
  const more = (there?.length ?? 0) > MOST_LISTED ? `, and ${(there?.length ?? 0) - MOST_LISTED} more` : '';
  const hints = [
    ...(meant === undefined ? [] : [`Did you mean ${meant}?`]),
    ...(there === undefined ? [] : [listed ? `There are: ${listed}${more}` : 'There is none.']),
  ];
  return new LabError('usage', `there is no ${kind} "${name}" in ${where}`, {
    ...(hints.length > 0 ? { hint: hints.join('\n') } : {}),
  });
}

/** Levenshtein's: insertions, deletions and replacements of a letter. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= to.length; at += 1) {
      const [left = 0, above = 0, diagonal = 0] = [next[at - 1], row[at], row[at - 1]];
      next.push(Math.min(left + 1, above + 1, diagonal + (letter === to[at - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
