// What each arm showed, as numbers.
import { linearRegression, quantileSorted } from 'simple-statistics';
import {
  between,
  callsStartedIn,
  cpuPerSecondMs,
  firstCallWaits,
  type History,
  type Part,
  renewalsIn,
  scaleOutTimeline,
  slowestWait,
  startedMs,
} from '../../history/index.ts';
import type { Cost } from './model.ts';
import type { Setting } from './settings.ts';

export type Measured = Setting & {
  /** Of the slowest client on the slowest new pod; undefined: one of them never called. */
  slowestMs: number | undefined;
  callsPerSecond: number;
  reconnectsMeasured: number;
  /** Of clients and servers together; undefined where it was not read. */
  cpuPerSecondMs: number | undefined;
  /** Of all calls in the steady part, in milliseconds. */
  latency: { p50Ms: number; p99Ms: number; p999Ms: number };
  /** Of calls on a pod in the seconds in which it got a new connection; NaN where there are none. */
  renewing: { calls: number; p99Ms: number; p999Ms: number };
  /** Streams that a GOAWAY refused and grpc-js sent again by itself. */
  refused: number;
};

export const steadyPart = (history: History): Part => between(history, 'steady', 'change');

export const measuredOf = (history: History, settings: readonly Setting[]): Measured[] =>
  settings.map((setting) => measure(history, setting));

function measure(history: History, setting: Setting): Measured {
  const arm = setting.name;
  const part = steadyPart(history);
  const seconds = (part.untilMs - part.fromMs) / 1000;
  const calls = callsStartedIn(history, arm, part.fromMs, part.untilMs);
  const renewals = renewalsIn(history, arm, part);
  const renewing = renewals.filter(({ opened }) => opened > 0);
  const latencies = sorted(calls.map(({ latencyMs }) => latencyMs));
  const during = sorted(
    calls
      .filter((call) =>
        renewing.some(
          ({ pod, fromMs, untilMs }) => call.pod === pod && isIn(startedMs(call), fromMs, untilMs),
        ),
      )
      .map(({ latencyMs }) => latencyMs),
  );
  const timeline = scaleOutTimeline(history, arm);
  const waits = timeline === undefined ? [] : firstCallWaits(timeline);
  const allServed = waits.length > 0 && waits.every(({ waitMs }) => waitMs !== undefined);
  return {
    ...setting,
    slowestMs: allServed ? slowestWait(waits)?.waitMs : undefined,
    callsPerSecond: calls.length / seconds,
    reconnectsMeasured: renewals.reduce((sum, { opened }) => sum + opened, 0) / seconds,
    // The first reading is the one that ends the warm-up.
    cpuPerSecondMs: cpuPerSecondMs(history, arm, between(history, 'warm-up', 'change')),
    latency: { p50Ms: at(latencies, 0.5), p99Ms: at(latencies, 0.99), p999Ms: at(latencies, 0.999) },
    renewing: { calls: during.length, p99Ms: at(during, 0.99), p999Ms: at(during, 0.999) },
    refused: refusedOf(history, arm),
  };
}

const isIn = (atMs: number, fromMs: number, untilMs: number): boolean => atMs >= fromMs && atMs < untilMs;
const sorted = (values: number[]): number[] => values.sort((a, b) => a - b);
const at = (values: readonly number[], share: number): number =>
  values.length === 0 ? Number.NaN : quantileSorted([...values], share);

const refusedOf = (history: History, arm: string): number =>
  history.reduce(
    (sum, event) =>
      sum + (event.type === 'workload-end' && event.arm === arm ? event.status.transparentRetries : 0),
    0,
  );

/**
 * What a call and a connection cost: the line through all arms, of the CPU of a call by the connections made anew for it.
 * Undefined where CPU was not read, or where noise hides what a connection costs.
 */
export function costOf(measured: readonly Measured[]): Cost | undefined {
  const points = measured.map(({ cpuPerSecondMs = Number.NaN, callsPerSecond, reconnectsMeasured }) => [
    reconnectsMeasured / callsPerSecond,
    cpuPerSecondMs / callsPerSecond,
  ]);
  const { m: perConnectionMs, b: perCallMs } = linearRegression(points);
  return perConnectionMs > 0 && perCallMs > 0 && Number.isFinite(perConnectionMs)
    ? { perCallMs, perConnectionMs }
    : undefined;
}
