// How like names are: what somebody meant who wrote another.

/** Changes of one letter that make one text of the other (Levenshtein). */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Close enough to be a slip of the pen, or one the beginning or end of the other. */
export const isLike = (a: string, b: string): boolean =>
  a === b ||
  distance(a, b) <= Math.max(1, Math.floor(Math.max(a.length, b.length) / 4)) ||
  (Math.min(a.length, b.length) >= 3 &&
    (a.startsWith(b) || b.startsWith(a) || a.endsWith(b) || b.endsWith(a)));

/** Sorted from the nearest on, those that are like it only. */
export const nearest = <T>(name: string, things: readonly T[], nameOf: (thing: T) => string): T[] =>
  things
    .filter((thing) => isLike(name, nameOf(thing)))
    .toSorted((a, b) => distance(name, nameOf(a)) - distance(name, nameOf(b)));
