// One arm's figures, taken from a history.
import { build, decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js';
import {
  callsOf,
  changeAskedMs,
  eventsOf,
  failuresOf,
  type History,
  scaleInTimeline,
  scaleOutTimeline,
  sharesPerPod,
} from '../history/index.ts';
import type { ArmResult } from './run-document.ts';

/** Shares after the change are those of the end, when all has settled that will. */
const SETTLED_SPAN_MS = 10_000;

export function armResult(history: History, arm: string): ArmResult {
  const marks = new Map(eventsOf(history, 'mark').map(({ name, atMs }) => [name, atMs]));
  const endMs = marks.get('end') ?? history.at(-1)?.atMs ?? 0;
  const askedMs = changeAskedMs(history, arm);
  const out = scaleOutTimeline(history, arm);
  const leaving = scaleInTimeline(history, arm);
  const calls = callsOf(history, arm);
  const { failures: _, ...before } = sharesPerPod(history, arm, marks.get('baseline') ?? 0, askedMs ?? endMs);
  const { failures: __, ...after } = sharesPerPod(
    history,
    arm,
    Math.max(askedMs ?? 0, endMs - SETTLED_SPAN_MS),
    endMs,
  );
  return {
    arm,
    calls: calls.length,
    failures: failuresOf(calls).map(({ code, count, message, client }) => ({ code, count, message, client })),
    latency: latencyOf(history, arm),
    before,
    after,
    newPods: (out?.pods ?? []).map(
      ({ pod, node, readyMs, inEndpointSliceMs, inDnsMs, resolved, firstCall }) => ({
        pod,
        node: node ?? null,
        readyMs: readyMs ?? null,
        inEndpointSliceMs: inEndpointSliceMs ?? null,
        inDnsMs: inDnsMs ?? null,
        resolvedMs: resolved.slowestMs ?? null,
        firstCallMs: firstCall.slowestMs ?? null,
      }),
    ),
    leavingPods: (leaving?.pods ?? []).map(
      ({ pod, node, terminatingMs, outOfEndpointSliceMs, outOfDnsMs, lastCallMs, goneMs }) => ({
        pod,
        node: node ?? null,
        terminatingMs: terminatingMs ?? null,
        outOfEndpointSliceMs: outOfEndpointSliceMs ?? null,
        outOfDnsMs: outOfDnsMs ?? null,
        lastCallMs: lastCallMs ?? null,
        goneMs: goneMs ?? null,
      }),
    ),
    evenMs: (out?.pods.length ? out.evenMs : leaving?.evenMs) ?? null,
  };
}

/** The clients' histograms as one. They count in microseconds. */
function latencyOf(history: History, arm: string): ArmResult['latency'] {
  const ends = eventsOf(history, 'workload-end').filter((end) => end.arm === arm);
  if (ends.length === 0) return null;
  const merged = ends
    .map(({ status }) => decodeFromCompressedBase64(status.latency.encoded))
    .reduce(
      (sum: Histogram, histogram) => {
        sum.add(histogram);
        return sum;
      },
      build({ autoResize: true, bitBucketSize: 32, numberOfSignificantValueDigits: 3 }),
    );
  const at = (percentile: number) => merged.getValueAtPercentile(percentile) / 1000;
  return {
    count: merged.totalCount,
    p50Ms: at(50),
    p90Ms: at(90),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: merged.maxValue / 1000,
  };
}
