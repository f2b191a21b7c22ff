import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import type { LatencySummary } from '../protocol/index.ts';

// Microseconds in 3 significant digits. Longer than this (half an hour) is recorded as this.
const MOST_MICROSECONDS = 2_000_000_000;

export function createLatencyHistogram() {
  // 32 bits: buckets of 8 wrap around without a word.
  const histogram = build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: MOST_MICROSECONDS,
    numberOfSignificantValueDigits: 3,
  });
  const percentileMs = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000;
  return {
    record(ms: number): void {
      histogram.recordValue(Math.min(Math.max(0, Math.round(ms * 1000)), MOST_MICROSECONDS));
    },
    summary: (): LatencySummary => ({
      count: histogram.totalCount,
      p50Ms: percentileMs(50),
      p90Ms: percentileMs(90),
      p99Ms: percentileMs(99),
      p999Ms: percentileMs(99.9),
      maxMs: histogram.maxValue / 1000,
      encoded: encodeIntoCompressedBase64(histogram),
    }),
  };
}
