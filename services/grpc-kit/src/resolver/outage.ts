// Something that fails for a while is worth two lines: one when it begins, one when it is over.
import type { Logger } from '../logger.ts';

export function createOutage(loggers: () => Iterable<Logger>) {
  let sinceMs: number | undefined;

  function say(level: keyof Logger, message: string): void {
    // A logger that several share says it once.
    for (const logger of new Set(loggers())) logger[level](message);
  }

  return {
    /** Nothing while it lasts already. */
    begins(message: string): void {
      if (sinceMs !== undefined) return;
      sinceMs = performance.now();
      say('warn', message);
    },
    /** @param message is followed by how long it lasted. Nothing when there is no outage. */
    ends(message: string): void {
      if (sinceMs === undefined) return;
      const seconds = ((performance.now() - sinceMs) / 1000).toFixed(1);
      sinceMs = undefined;
      say('info', `${message} after ${seconds} s`);
    },
  };
}
