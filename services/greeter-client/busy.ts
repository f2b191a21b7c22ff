/**
 * Blocks the event loop for `ms`, again and again, with a tenth of it between, as work that is never awaited does. It
 * blocks where callbacks of I/O run, as such work mostly does: after it the timers come first, deadlines among them,
 * and what lies in the sockets second. (Blocked in a timer's callback, Node reads the sockets first.)
 *
 * @param nowMs the clock; by `cpuNowMs` it blocks until it has had so much CPU, however long a limit makes that.
 */
export function stayBusy(ms: number, nowMs: () => number = () => performance.now()): void {
  const block = () => {
    const endMs = nowMs() + ms;
    while (nowMs() < endMs);
    next();
  };
  const next = () => setTimeout(() => setImmediate(block), ms / 10);
  next();
}

/** CPU time of this process so far. */
export function cpuNowMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
