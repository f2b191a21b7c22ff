import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../common/clock.ts';
import { helloEvent, type Identity } from '../common/identity.ts';
import type { ConnectionCounts, CountersEvent, LifecycleEvent, ServerEvent } from '../protocol/index.ts';
import type { Counters } from './counters.ts';

const SNAPSHOT_INTERVAL_MS = 1000;
/** So that proxies in between, and the reader, see that the stream is alive. */
const KEEPALIVE_MS = 5000;
/** A reader that does not take its last lines does not keep the server from exiting. */
const LAST_LINES_MS = 1000;

export type ServerEvents = ReturnType<typeof createServerEvents>;

/**
 * The streams of GET /events. Each begins with hello, the lifecycle events so far (a reader that comes late or comes
 * back misses none) and the counters; it ends with the final counters.
 */
export function createServerEvents(
  identity: Identity,
  counters: Counters,
  connections: () => Omit<ConnectionCounts, 'greeted'>,
) {
  const streams = new Set<Writable>();
  const lifecycle: LifecycleEvent[] = [];
  let told = '';
  let toldMs = 0;

  function countersEvent(final: boolean): CountersEvent {
    return {
      type: 'counters',
      atMs: nowMs(),
      final,
      clients: counters.snapshot(),
      connections: { ...connections(), greeted: counters.connections() },
    };
  }
  function tellAll(event: ServerEvent): void {
    const line = `${JSON.stringify(event)}\n`;
    for (const stream of streams) {
      // Counters are cumulative: a reader that is behind can do without this snapshot.
      const skip = stream.writableNeedDrain && event.type === 'counters' && !event.final;
      if (!skip) stream.write(line);
    }
  }
  const current = () => `${counters.version()} ${JSON.stringify(connections())}`;
  function tellCounters(final: boolean): void {
    told = current();
    toldMs = performance.now();
    tellAll(countersEvent(final));
  }
  const timer = setInterval(() => {
    if (current() !== told || performance.now() - toldMs >= KEEPALIVE_MS) tellCounters(false);
  }, SNAPSHOT_INTERVAL_MS);

  return {
    open(stream: Writable): void {
      const past = [helloEvent(identity, 0), ...lifecycle, countersEvent(false)];
      stream.write(past.map((event) => `${JSON.stringify(event)}\n`).join(''));
      streams.add(stream);
      stream.once('close', () => streams.delete(stream));
    },
    tell(phase: LifecycleEvent['phase']): void {
      const event: LifecycleEvent = { type: 'lifecycle', phase, atMs: nowMs() };
      lifecycle.push(event);
      tellAll(event);
    },
    /** Final counters, and the end of every stream. */
    async end(): Promise<void> {
      clearInterval(timer);
      tellCounters(true);
      const ends = [...streams].map((stream) => finished(stream.end(), { readable: false }));
      await Promise.race([Promise.allSettled(ends), delay(LAST_LINES_MS)]);
    },
  };
}
