import { log } from '../common/log.ts';
import type { Outcome } from './stacks/stack.ts';

const AT_MOST_EVERY_MS = 1000;

/** Writes failed calls to the log as an application does: a line for the first of a code, then one a second at most. */
export function createFailureLog(write: typeof log = log) {
  const seen = new Map<string, { loggedMs: number; unlogged: number }>();
  return ({ code, message = '' }: Outcome, endedMs: number): void => {
    if (code === 'OK') return;
    const last = seen.get(code);
    if (last && endedMs - last.loggedMs < AT_MOST_EVERY_MS) {
      last.unlogged += 1;
      return;
    }
    write('call-failed', {
      at: new Date(endedMs).toISOString(),
      code,
      message,
      count: (last?.unlogged ?? 0) + 1,
    });
    seen.set(code, { loggedMs: endedMs, unlogged: 0 });
  };
}
