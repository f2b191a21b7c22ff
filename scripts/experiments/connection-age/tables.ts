// What each setting showed, what it would be for the user's own numbers, and for a fleet.
import { percent } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import type { ResultTable } from '../../report/index.ts';
import type { Measured } from './measure.ts';
import { type Cost, cpuShare, FLEET, fleetRow, MOST_SHARE, recommend, reconnectsPerSecond } from './model.ts';
import type { Parameters } from './parameters.ts';

export const tablesOf = (
  measured: readonly Measured[],
  cost: Cost | undefined,
  parameters: Parameters,
): ResultTable[] => [
  measuredTable(measured),
  ...(cost === undefined ? [unpriced()] : [yoursTable(cost, parameters), fleetTable(cost, parameters)]),
];

const ms = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(1));

const measuredTable = (measured: readonly Measured[]): ResultTable => ({
  title: 'Measured: slowest first call, connections anew, CPU a call, latency (ms)',
  columns: ['', 'slowest', 'conn/s', 'CPU ms', 'p50', 'p99', 'p99.9', 'p99 renewing'],
  rows: measured.map((one) => [
    one.name,
    one.slowestMs === undefined ? 'never' : formatDuration(one.slowestMs),
    one.reconnectsMeasured.toFixed(2),
    one.cpuPerSecondMs === undefined ? '–' : (one.cpuPerSecondMs / one.callsPerSecond).toFixed(2),
    ms(one.latency.p50Ms),
    ms(one.latency.p99Ms),
    ms(one.latency.p999Ms),
    ms(one.renewingP99Ms),
  ]),
});

const unpriced = (): ResultTable => ({
  title: 'What a connection costs is hidden by noise here: no age can be recommended by its cost',
  columns: ['', ''],
  rows: [],
});

/** The user's own numbers, and the range of ages between too much reconnecting and too slow to find a pod. */
function yoursTable(cost: Cost, { yours, agesMs }: Parameters): ResultTable {
  const { leastAgeMs, mostAgeMs } = recommend(yours, cost);
  const range =
    leastAgeMs <= mostAgeMs
      ? `${formatDuration(leastAgeMs)} to ${formatDuration(mostAgeMs)}`
      : `none: below ${formatDuration(leastAgeMs)} it costs too much, above ${formatDuration(mostAgeMs)} it is too slow`;
  const ages = [...new Set([...agesMs, leastAgeMs, mostAgeMs])]
    .filter((ageMs) => ageMs > 0)
    .sort((a, b) => a - b);
  return {
    title:
      `For ${yours.replicas} replicas, ${yours.clients} clients, ${yours.ratePerSecond} calls/s each, a new pod called ` +
      `within ${formatDuration(yours.targetMs)}, reconnecting up to ${percent(MOST_SHARE)} of the calls' CPU (a model): ` +
      `max age ${range}`,
    columns: ['max age', 'conn/s', 'of the CPU', 'called within'],
    rows: ages.map((ageMs) => [
      formatDuration(ageMs),
      reconnectsPerSecond(ageMs, yours).toFixed(1),
      percent(cpuShare(ageMs, yours, cost)),
      formatDuration(1.1 * ageMs + 2000),
    ]),
  };
}

function fleetTable(cost: Cost, { dnsFloorMs }: Parameters): ResultTable {
  const settings = [5000, 10_000, 30_000, 60_000, 300_000].flatMap((ageMs) =>
    [...new Set([dnsFloorMs, 30_000])].map((floorMs) => fleetRow(ageMs, floorMs, cost)),
  );
  return {
    title:
      `A model of ${FLEET.clients} clients × ${FLEET.pods} pods, from ${cost.perConnectionMs.toFixed(2)} ms of CPU a ` +
      'connection as measured here',
    columns: ['max age, floor', 'conn/s', 'DNS queries/s', 'cores', 'slowest client'],
    rows: settings.map((row) => [
      `${formatDuration(row.ageMs)}, ${formatDuration(row.dnsFloorMs)}`,
      row.reconnectsPerSecond.toFixed(0),
      row.dnsQueriesPerSecond.toFixed(0),
      row.cores.toFixed(1),
      formatDuration(row.slowestMs),
    ]),
  };
}
