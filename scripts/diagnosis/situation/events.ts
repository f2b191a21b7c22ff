import type { CoreV1Event } from '@kubernetes/client-node';
import type { Plain } from '../../common/plain.ts';

export type EventView = {
  kind: string;
  namespace: string;
  name: string;
  reason: string;
  message: string;
  count: number;
  /** Milliseconds since the epoch. */
  lastMs: number | undefined;
};

/** The oldest first. */
export const eventsOf = (events: readonly Plain<CoreV1Event>[]): EventView[] =>
  events
    .map((event) => ({
      kind: event.involvedObject.kind ?? '',
      namespace: event.involvedObject.namespace ?? event.metadata.namespace ?? '',
      name: event.involvedObject.name ?? '',
      reason: event.reason ?? '',
      message: event.message ?? '',
      count: event.series?.count ?? event.count ?? 1,
      lastMs: timeMs(
        event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp,
      ),
    }))
    .toSorted((a, b) => (a.lastMs ?? 0) - (b.lastMs ?? 0));

/** Milliseconds since the epoch of a time in an object. */
export function timeMs(text: string | null | undefined): number | undefined {
  const ms = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
