// The charts of a run: what each arm did over time, and what the experiment itself wants to be drawn.
import type { Plot } from '../run-document.ts';
import type { ArmSeries, ChartData, PodSeries } from './chart-data.ts';
import type { Cell, Figure, Series } from './figure.ts';

const SECONDS = 'seconds';

/** In the order in which the page shows them. Charts that would be empty are left out. */
export function figuresOf({ arms, timesS }: ChartData, plots: readonly Plot[]): Figure[] {
  const x = { label: SECONDS, values: timesS };
  return [
    ...plots.map(plotFigure),
    ...arms.filter(({ latency }) => latency.max.some(isKnown)).map((arm) => requestsFigure(arm, x)),
    ...arms.filter(({ latency }) => latency.max.some(isKnown)).map((arm) => latencyFigure(arm, x)),
    ...arms.filter(({ failures }) => failures.length > 0).map((arm) => errorsFigure(arm, x)),
    ...arms
      .filter(({ pods }) => pods.some(({ connections }) => most(connections) > 0))
      .map((arm) => connectionsFigure(arm, x)),
  ];
}

const isKnown = (cell: Cell): cell is number => cell !== null;
const most = (cells: readonly Cell[]): number => Math.max(0, ...cells.filter(isKnown));
const total = (cells: readonly number[], binS: number): number =>
  Math.round(cells.reduce((sum, cell) => sum + cell, 0) * binS);
const widthOf = ([first = 0, second = first + 1]: readonly number[]): number => second - first;

/** Old ones first: in a stack new pods then lie on top. */
const inOrder = (pods: readonly PodSeries[]): PodSeries[] => pods.toSorted((a, b) => +a.isNew - +b.isNew);
const roleOf = ({ isNew }: PodSeries) => (isNew ? 'new-pod' : 'old-pod');

function requestsFigure({ arm, pods, unanswered, happened }: ArmSeries, x: Figure['x']): Figure {
  const lost: Series[] = unanswered.some((calls) => calls > 0)
    ? [{ name: 'no pod answered', role: 'unanswered', values: unanswered }]
    : [];
  const fresh = pods.filter(({ isNew }) => isNew);
  const served = fresh.filter(({ perSecond }) => perSecond.some((calls) => calls > 0));
  const binS = widthOf(x.values);
  const unansweredCalls = total(unanswered, binS);
  return {
    id: `requests-${arm}`,
    group: 'requests',
    title: arm,
    shape: 'stacked-area',
    x,
    y: { label: 'calls/s' },
    series: [
      ...inOrder(pods).map((pod) => ({ name: pod.pod, role: roleOf(pod), values: pod.perSecond }) as const),
      ...lost,
    ],
    happened,
    summary:
      `Calls a second that each pod of ${arm} answered: ${pods.length - fresh.length} pods that were there before` +
      `${fresh.length > 0 ? `, ${fresh.length} new ones of which ${served.length} were called` : ''}` +
      `${unansweredCalls > 0 ? `; ${unansweredCalls} calls were answered by none` : ''}.`,
  };
}

function latencyFigure({ arm, latency, happened }: ArmSeries, x: Figure['x']): Figure {
  const { p50, p90, p99, max } = latency;
  const typical = p50.filter(isKnown).toSorted((a, b) => a - b);
  return {
    id: `latency-${arm}`,
    group: 'latency',
    title: arm,
    shape: 'lines',
    x,
    y: { label: 'ms', log: true },
    series: [
      { name: 'p50', role: 'p50', values: p50 },
      { name: 'p90', role: 'p90', values: p90 },
      { name: 'p99', role: 'p99', values: p99 },
      { name: 'max', role: 'max', values: max },
    ],
    happened,
    summary:
      `Latency of the calls of ${arm}: the median is mostly about ${typical[typical.length >> 1]?.toFixed(1)} ms, ` +
      `the slowest call took ${most(max).toFixed(0)} ms.`,
  };
}

function errorsFigure({ arm, failures, happened }: ArmSeries, x: Figure['x']): Figure {
  const binS = widthOf(x.values);
  const codes = failures.map(({ code, perSecond }) => `${total(perSecond, binS)} ${code}`);
  return {
    id: `errors-${arm}`,
    group: 'errors',
    title: arm,
    shape: 'stacked-bars',
    x,
    y: { label: 'failed/s' },
    series: failures.map(({ code, perSecond }) => ({ name: code, role: 'failure', values: perSecond })),
    happened,
    summary: `Calls of ${arm} that failed, by status code: ${codes.join(', ')}.`,
  };
}

function connectionsFigure({ arm, pods, happened }: ArmSeries, x: Figure['x']): Figure {
  const peak = Math.max(...pods.map(({ connections }) => most(connections)));
  return {
    id: `connections-${arm}`,
    group: 'connections',
    title: arm,
    shape: 'lines',
    x,
    y: { label: 'open' },
    series: inOrder(pods).map((pod) => ({ name: pod.pod, role: roleOf(pod), values: pod.connections })),
    happened,
    summary: `Open gRPC connections of each pod of ${arm}: ${peak} at most.`,
  };
}

function plotFigure({ title, x, y, series }: Plot, index: number): Figure {
  const values = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b);
  const ranges = series.map(({ name, points }) => {
    const known = points.map(([, value]) => value).filter(isKnown);
    const range = known.length === 0 ? 'nothing' : `${Math.min(...known)} to ${Math.max(...known)}`;
    return `${name}: ${range}`;
  });
  return {
    id: `plot-${index + 1}`,
    group: 'plot',
    title,
    shape: 'curves',
    x: { label: x.label, values, log: x.log },
    y: { label: y.label, log: y.log },
    series: series.map(({ name, points }) => {
      const at = new Map(points);
      return { name, role: 'item', values: values.map((value) => at.get(value) ?? null) };
    }),
    happened: [],
    summary: `${title}: ${y.label} by ${x.label}. ${ranges.join('; ')}.`,
  };
}
