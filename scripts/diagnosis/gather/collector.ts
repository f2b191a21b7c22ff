/** Keeps the objects of the highest rank out of as many as come, in bounded memory. */
export type Collector<T> = {
  add: (object: T) => void;
  /** The highest rank first; of one rank as they came. */
  kept: () => T[];
  /** How many came and were not kept. */
  left: () => number;
};

export function collector<T>(most: number, rank: (object: T) => number = () => 0): Collector<T> {
  const byRank = new Map<number, T[]>();
  let kept = 0;
  let left = 0;
  return {
    add: (object) => {
      const of = rank(object);
      const equals = byRank.get(of);
      if (equals) equals.push(object);
      else byRank.set(of, [object]);
      kept += 1;
      if (kept <= most) return;
      const lowest = Math.min(...byRank.keys());
      byRank.get(lowest)?.pop();
      if (byRank.get(lowest)?.length === 0) byRank.delete(lowest);
      kept -= 1;
      left += 1;
    },
    kept: () => [...byRank].sort(([a], [b]) => b - a).flatMap(([, objects]) => objects),
    left: () => left,
  };
}
