/** Blocks the event loop for `ms`, again and again, with a tenth of it between, as work that is never awaited does. */
export function stayBusy(ms: number): void {
  const block = () => {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs);
    setTimeout(block, ms / 10);
  };
  setTimeout(block, ms / 10);
}
