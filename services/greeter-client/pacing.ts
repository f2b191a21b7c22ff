// When each call of an open loop is due, whatever became of the calls before it: call k at t0 + k/rate; in bursts of b,
// at the time of the first call of its burst. A change of the rate starts a new segment; calls that are due already
// keep their times.

type Segment = { firstSeq: number; startMs: number; intervalMs: number };

/** Times are milliseconds of whatever clock the caller uses. The first burst is due at `startMs`. */
export function createPacing(ratePerSecond: number, startMs: number, burst = 1) {
  let current: Segment = { firstSeq: 0, startMs, intervalMs: 1000 / ratePerSecond };
  const earlier: Segment[] = [];

  function dueMs(seq: number): number {
    const segment =
      seq >= current.firstSeq ? current : (earlier.findLast(({ firstSeq }) => seq >= firstSeq) ?? current);
    const bursts = Math.floor((seq - segment.firstSeq) / burst);
    return segment.startMs + bursts * burst * segment.intervalMs;
  }
  function dueBy(atMs: number): number {
    if (atMs < current.startMs) return current.firstSeq;
    const bursts = Math.floor((atMs - current.startMs) / (burst * current.intervalMs)) + 1;
    return current.firstSeq + bursts * burst;
  }

  return {
    /** When call `seq` is due. */
    dueMs,
    /** How many calls are due by `atMs`, that moment included. */
    dueBy,
    /** From `atMs` on; the next burst comes one new interval after the last, but not before `atMs`. */
    changeRate(newRatePerSecond: number, atMs: number): void {
      const firstSeq = dueBy(atMs);
      const intervalMs = 1000 / newRatePerSecond;
      const startMs =
        firstSeq === 0 ? current.startMs : Math.max(atMs, dueMs(firstSeq - 1) + burst * intervalMs);
      earlier.push(current);
      current = { firstSeq, startMs, intervalMs };
    },
  };
}
