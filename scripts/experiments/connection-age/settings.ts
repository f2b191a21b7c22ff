// The settings that are compared: an arm for each, and what is predicted of it.
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import { longestPeriodMs, scaleOutBoundMs } from '../dns-period.ts';
import type { Parameters } from './parameters.ts';

/** Its connections never age: what reconnecting costs is seen beside it. */
export const CONTROL = 'no-age';

export type Setting = {
  /** Of its arm. */
  name: string;
  maxConnectionAgeMs: number | undefined;
  dnsFloorMs: number;
  /** Which of the two is varied. */
  varies: 'age' | 'floor' | 'nothing';
  /** Longest time from a new pod's Ready to the slowest client's first call on it. */
  boundMs: number;
  /** Connections of all clients that are made anew, a second. */
  reconnectsPerSecond: number;
};

export function settingsOf({ agesMs, dnsFloorMs, floorsMs, servers, clients }: Parameters): Setting[] {
  const setting = (
    name: string,
    varies: Setting['varies'],
    maxConnectionAgeMs: number | undefined,
    floorMs: number,
  ): Setting => ({
    name,
    varies,
    maxConnectionAgeMs,
    dnsFloorMs: floorMs,
    boundMs: scaleOutBoundMs({ maxConnectionAgeMs, dnsFloorMs: floorMs }),
    reconnectsPerSecond:
      maxConnectionAgeMs === undefined ? 0 : (1000 * servers * clients) / maxConnectionAgeMs,
  });
  const ageOfFloors = agesMs[1] ?? agesMs[0];
  return [
    ...agesMs.map((ageMs) => setting(`age-${compact(ageMs)}`, 'age', ageMs, dnsFloorMs)),
    ...floorsMs.map((floorMs) => setting(`floor-${compact(floorMs)}`, 'floor', ageOfFloors, floorMs)),
    setting(CONTROL, 'nothing', undefined, dnsFloorMs),
  ];
}

/** `5s`, `1500ms`: as it can stand in a name. */
const compact = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);

export const longestBoundMs = (settings: readonly Setting[]): number =>
  Math.max(...settings.map(({ boundMs }) => boundMs));

/** The prediction for people, in lines of at most 80 columns. */
export const describeSettings = (settings: readonly Setting[]): string =>
  [
    "From a new pod's Ready to the slowest client's first call on it:",
    ...settings.map((setting) => wrap(`${setting.name}: ${describe(setting)}`, '  ', '')),
    wrap('No call fails. All arms share the nodes and their CPU, and nothing else.', '  ', ''),
  ].join('\n');

function describe({ maxConnectionAgeMs, dnsFloorMs, boundMs, reconnectsPerSecond }: Setting): string {
  if (maxConnectionAgeMs === undefined) return 'never; no connection is made anew.';
  const period = formatDuration(longestPeriodMs({ maxConnectionAgeMs, dnsFloorMs }));
  return (
    `up to ${formatDuration(boundMs)} (a client resolves every ${period} at least); about ` +
    `${reconnectsPerSecond.toFixed(1)} connections a second are made anew.`
  );
}
