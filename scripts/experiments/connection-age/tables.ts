// What each setting showed, what it would be for the user's own numbers, and for a fleet.
import { percent } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import type { ResultTable } from '../../report/index.ts';
import { scaleOutBoundMs } from '../dns-period.ts';
import type { Measured } from './measure.ts';
import { type Cost, cpuShare, FLEET, fleetRow, MOST_SHARE, recommend, reconnectsPerSecond } from './model.ts';
import type { Parameters } from './parameters.ts';

export const tablesOf = (
  measured: readonly Measured[],
  cost: Cost | undefined,
  parameters: Parameters,
): ResultTable[] => [
  measuredTable(measured),
  latencyTable(measured),
  ...(cost === undefined ? [unpriced()] : [yoursTable(cost, parameters), fleetTable(cost, parameters)]),
];

const ms = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : '–');

const measuredTable = (measured: readonly Measured[]): ResultTable => ({
  title: 'Measured: slowest first call, connections anew, CPU a call, streams that a GOAWAY refused',
  columns: ['', 'slowest', 'conn/s', 'CPU ms', 'refused'],
  rows: measured.map((one) => [
    one.name,
    one.slowestMs === undefined ? 'never' : formatDuration(one.slowestMs),
    one.reconnectsMeasured.toFixed(2),
    one.cpuPerSecondMs === undefined ? '–' : (one.cpuPerSecondMs / one.callsPerSecond).toFixed(2),
    `${one.refused}`,
  ]),
});

const latencyTable = (measured: readonly Measured[]): ResultTable => ({
  title: 'Latency (ms): of all calls, and of those on a pod while its connection was made anew',
  columns: ['', 'p50', 'p99', 'p99.9', 'anew: calls', 'p99', 'p99.9'],
  rows: measured.map(({ name, latency, renewing }) => [
    name,
    ms(latency.p50Ms),
    ms(latency.p99Ms),
    ms(latency.p999Ms),
    `${renewing.calls}`,
    ms(renewing.p99Ms),
    ms(renewing.p999Ms),
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
      : mostAgeMs === 0
        ? `none: the floor of ${formatDuration(yours.dnsFloorMs)} alone takes too long`
        : `none: below ${formatDuration(leastAgeMs)} it costs too much, above ${formatDuration(mostAgeMs)} it is too slow`;
  const ages = [...new Set([...agesMs, leastAgeMs, mostAgeMs])]
    .filter((ageMs) => ageMs > 0)
    .sort((a, b) => a - b);
  return {
    title:
      `For ${yours.replicas} replicas, ${yours.clients} clients, ${yours.ratePerSecond} calls/s each, a floor of ` +
      `${formatDuration(yours.dnsFloorMs)}, a new pod called within ${formatDuration(yours.targetMs)}, reconnecting up to ${percent(MOST_SHARE)} of the calls' CPU (a model): ` +
      `max age ${range}`,
    columns: ['max age', 'conn/s', 'of the CPU', 'called within'],
    rows: ages.map((ageMs) => [
      formatDuration(ageMs),
      reconnectsPerSecond(ageMs, yours).toFixed(1),
      percent(cpuShare(ageMs, yours, cost)),
      formatDuration(scaleOutBoundMs({ maxConnectionAgeMs: ageMs, dnsFloorMs: yours.dnsFloorMs })),
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
      'connection as measured here (without TLS)',
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
