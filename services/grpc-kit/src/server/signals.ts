import type { Logger } from '../logger.ts';

/** Drains that a signal has begun. One process can have several servers: it ends when all are done. */
const running = new Set<Promise<void>>();

/**
 * Drains upon the first of `signals`; those that follow change nothing.
 *
 * @param exit whether the process ends then: with code 0, unless `process.exitCode` says otherwise or `drain` fails.
 * @returns what takes the signals' handlers away.
 */
export function drainOnSignals(
  signals: readonly NodeJS.Signals[],
  drain: () => Promise<void>,
  exit: boolean,
  logger: Logger,
): () => void {
  let received = false;

  async function drainAndExit(): Promise<void> {
    const drained = drain().catch((error: unknown) => {
      logger.warn(`the drain failed: ${error instanceof Error ? error.message : String(error)}`);
      if (exit) process.exitCode = 1;
    });
    running.add(drained);
    await drained;
    running.delete(drained);
    await Promise.all(running);
    if (exit) process.exit();
  }
  function onSignal(): void {
    if (received) return;
    received = true;
    void drainAndExit();
  }

  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}
