/**
 * Blocks the event loop for `ms`, again and again, with a tenth of it between, as work that is never awaited does. It
 * blocks where callbacks of I/O run, as such work mostly does: after it the timers come first, deadlines among them,
 * and what lies in the sockets second. (Blocked in a timer's callback, Node reads the sockets first.)
 */
export function stayBusy(ms: number): void {
  const block = () => {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs);
    next();
  };
  const next = () => setTimeout(() => setImmediate(block), ms / 10);
  next();
}
