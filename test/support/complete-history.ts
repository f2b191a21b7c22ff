// What a history has beside its calls when a run has ended well.
import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import type { HistoryEvent } from '../../scripts/history/index.ts';
import { END_MS, edit } from './history.ts';

/** A client's distribution, as its agent encodes it: in microseconds. */
function encoded(...ms: number[]): string {
  const histogram = build({ bitBucketSize: 32, autoResize: true, numberOfSignificantValueDigits: 3 });
  for (const each of ms) histogram.recordValue(each * 1000);
  return encodeIntoCompressedBase64(histogram);
}

/** The history with latencies for each client, and with the mark at which it ended. */
export const complete = (history: readonly HistoryEvent[]): HistoryEvent[] => [
  ...edit(history, (event) =>
    event.type === 'workload-end'
      ? {
          ...event,
          status: {
            ...event.status,
            latency: {
              ...event.status.latency,
              encoded: encoded(...(event.source === 'client-1' ? [1, 2] : [3, 400])),
            },
          },
        }
      : event,
  ),
  { type: 'mark', name: 'baseline', source: 'driver', atMs: 1000 },
  { type: 'mark', name: 'end', source: 'driver', atMs: END_MS },
];
