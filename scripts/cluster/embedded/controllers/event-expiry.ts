// Events are kept for an hour after they were seen last.
import type { Store } from '../store.ts';
import type { Running } from './queue.ts';

const KEPT_MS = 3_600_000;
const EVERY_MS = 60_000;

export function startEventExpiry(store: Store): Running {
  const timer = setInterval(() => {
    const before = Date.now() - KEPT_MS;
    for (const { metadata, lastTimestamp, eventTime } of store.list('events')) {
      const last = Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp);
      if (last < before) store.remove('events', metadata.namespace ?? '', metadata.name);
    }
  }, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
