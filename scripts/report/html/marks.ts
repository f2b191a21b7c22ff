// What happened, drawn over a chart: faults as lines or areas with their names, pods that came or left as thin lines.

import type { Colours } from './colours.ts';
import type { Happened } from './figure.ts';

export function marksOf(happened: readonly Happened[], colours: Colours) {
  const faults = happened.filter(({ kind }) => kind === 'fault');
  const moments = happened.filter(({ kind }) => kind === 'ready' || kind === 'leaving');
  const lasting = faults.flatMap(({ fromS, untilS }) => (untilS === null ? [] : [{ fromS, untilS }]));
  return {
    markLine: {
      silent: true,
      symbol: 'none',
      data: [
        ...faults.map(({ label, fromS }, index) => ({
          xAxis: fromS,
          lineStyle: { color: colours.fault, type: 'solid', width: 1.5 },
          label: {
            // One that is followed closely by another would be written over by it.
            show: (faults[index + 1]?.fromS ?? Number.POSITIVE_INFINITY) - fromS > 3 || index === 0,
            formatter: label,
            position: 'end',
            align: 'left',
            color: colours.fault,
            fontSize: 11,
            distance: 4,
          },
        })),
        ...moments.map(({ kind, fromS }) => ({
          xAxis: fromS,
          lineStyle: { color: kind === 'ready' ? colours.ready : colours.quiet, type: 'dotted', width: 1 },
          label: { show: false },
        })),
      ],
    },
    markArea: {
      silent: true,
      itemStyle: { color: colours.fault, opacity: 0.08 },
      data: lasting.map(({ fromS, untilS }) => [{ xAxis: fromS }, { xAxis: untilS }]),
    },
  };
}
