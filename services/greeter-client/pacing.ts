// When each call of an open loop is due: call k at t0 + k/rate, whatever became of the calls before it. A change of
// the rate starts a new segment; calls that are due already keep their times.

type Segment = { firstSeq: number; startMs: number; intervalMs: number };

/** Times are milliseconds of whatever clock the caller uses. The first call is due at `startMs`. */
export function createPacing(ratePerSecond: number, startMs: number) {
  let current: Segment = { firstSeq: 0, startMs, intervalMs: 1000 / ratePerSecond };
  const earlier: Segment[] = [];

  function dueMs(seq: number): number {
    const segment =
      seq >= current.firstSeq ? current : (earlier.findLast(({ firstSeq }) => seq >= firstSeq) ?? current);
    return segment.startMs + (seq - segment.firstSeq) * segment.intervalMs;
  }
  function dueBy(atMs: number): number {
    if (atMs < current.startMs) return current.firstSeq;
    return current.firstSeq + Math.floor((atMs - current.startMs) / current.intervalMs) + 1;
  }

  return {
    /** When call `seq` is due. */
    dueMs,
    /** How many calls are due by `atMs`, that moment included. */
    dueBy,
    /** From `atMs` on; the next call comes one new interval after the last, but not before `atMs`. */
    changeRate(newRatePerSecond: number, atMs: number): void {
      const firstSeq = dueBy(atMs);
      const intervalMs = 1000 / newRatePerSecond;
      const startMs = firstSeq === 0 ? current.startMs : Math.max(atMs, dueMs(firstSeq - 1) + intervalMs);
      earlier.push(current);
      current = { firstSeq, startMs, intervalMs };
    },
  };
}
