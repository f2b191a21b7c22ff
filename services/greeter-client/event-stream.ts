import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { nowMs } from '../common/clock.ts';
import { helloEvent, type Identity } from '../common/identity.ts';
import type { DroppedEvent } from '../protocol/index.ts';
import type { EventLog } from './event-log.ts';

// Sending a line at a time would cost more than making the calls that it tells of.
const FLUSH_INTERVAL_MS = 250;
const LINES_PER_WRITE = 1000;

/** Ends the stream when all that there is has been sent. */
export type EventStream = { end: () => Promise<void> };

/**
 * Sends the log from index `from` on, and goes on as it grows, no faster than the reader takes it. What is not kept
 * any more is told as `dropped`, which stands for `count` events.
 */
export function openEventStream(
  log: EventLog,
  identity: Identity,
  from: number,
  lines: Writable,
): EventStream {
  let next = Math.min(from, log.next());

  function flush(): void {
    while (next < log.next() && !lines.writableNeedDrain && !lines.destroyed) {
      if (next < log.first()) {
        const dropped: DroppedEvent = { type: 'dropped', atMs: nowMs(), count: log.first() - next };
        lines.write(`${JSON.stringify(dropped)}\n`);
        next = log.first();
      }
      const { text, to } = log.read(next, LINES_PER_WRITE);
      lines.write(text);
      next = to;
    }
  }

  lines.write(`${JSON.stringify(helloEvent(identity, next))}\n`);
  flush();
  const timer = setInterval(flush, FLUSH_INTERVAL_MS);
  lines.on('drain', flush);
  lines.once('close', () => clearInterval(timer));

  return {
    async end() {
      clearInterval(timer);
      flush();
      await finished(lines.end(), { readable: false });
    },
  };
}
