// The trade-off: what an age costs, and how soon it finds a new pod.
import type { Plot } from '../../report/index.ts';
import type { Measured } from './measure.ts';
import type { Setting } from './settings.ts';

const seconds = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms) / 1000);

export function plotsOf(measured: readonly Measured[]): Plot[] {
  const ages = measured.filter(({ varies }) => varies === 'age');
  const floors = measured.filter(({ varies }) => varies === 'floor');
  const byCost = (point: (one: Measured) => [number, number | null]) =>
    ages
      .map(point)
      .filter(([rate]) => rate > 0)
      .toSorted(([a], [b]) => a - b);
  const ageS = ({ maxConnectionAgeMs }: Setting) => seconds(maxConnectionAgeMs) ?? 0;
  return [
    {
      title: 'The trade-off: how soon a new pod is called, by the connections made anew',
      x: { label: 'conn/s', log: true },
      y: { label: 's' },
      series: [
        { name: 'measured', points: byCost((one) => [one.reconnectsMeasured, seconds(one.slowestMs)]) },
        { name: 'predicted', points: byCost((one) => [one.reconnectsPerSecond, seconds(one.boundMs)]) },
      ],
    },
    {
      title: 'How soon the slowest client calls a new pod, by max connection age',
      x: { label: 'max connection age (s)', log: true },
      y: { label: 's' },
      series: [
        { name: 'measured', points: ages.map((one) => [ageS(one), seconds(one.slowestMs)]) },
        { name: 'predicted at most', points: ages.map((one) => [ageS(one), seconds(one.boundMs)]) },
      ],
    },
    {
      title: 'What it costs: connections made anew, by max connection age',
      x: { label: 'max connection age (s)', log: true },
      y: { label: 'conn/s' },
      series: [
        { name: 'measured', points: ages.map((one) => [ageS(one), one.reconnectsMeasured]) },
        { name: 'predicted', points: ages.map((one) => [ageS(one), one.reconnectsPerSecond]) },
      ],
    },
    {
      title: 'Latency by max connection age',
      x: { label: 'max connection age (s)', log: true },
      y: { label: 'ms', log: true },
      series: [
        { name: 'p50', points: ages.map((one) => [ageS(one), one.latency.p50Ms]) },
        { name: 'p99', points: ages.map((one) => [ageS(one), one.latency.p99Ms]) },
        { name: 'p99.9', points: ages.map((one) => [ageS(one), one.latency.p999Ms]) },
      ],
    },
    ...(floors.length > 0
      ? [
          {
            title: 'How soon the slowest client calls a new pod, by the floor between two resolutions',
            x: { label: 'floor (s)' },
            y: { label: 's' },
            series: [
              {
                name: 'measured',
                points: floors.map((one): [number, number | null] => [
                  one.dnsFloorMs / 1000,
                  seconds(one.slowestMs),
                ]),
              },
              {
                name: 'predicted at most',
                points: floors.map((one): [number, number | null] => [
                  one.dnsFloorMs / 1000,
                  seconds(one.boundMs),
                ]),
              },
            ],
          },
        ]
      : []),
  ];
}
