// Draws figures with the charting library, in the colours of the page.
import { BarChart, LineChart } from 'echarts/charts';
import {
  AriaComponent,
  DataZoomInsideComponent,
  GridComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
} from 'echarts/components';
import { connect, type ECharts, init, use } from 'echarts/core';
import { LegacyGridContainLabel } from 'echarts/features';
import { SVGRenderer } from 'echarts/renderers';
import type { Figure } from '../figure.ts';
import { type Axis, optionOf } from '../option.ts';
import { coloursOf } from './page-colours.ts';

use([
  AriaComponent,
  BarChart,
  DataZoomInsideComponent,
  GridComponent,
  LegacyGridContainLabel,
  LineChart,
  MarkAreaComponent,
  MarkLineComponent,
  SVGRenderer,
  TooltipComponent,
]);

/** @param axis the same ends for all figures of a group, where there are some. */
export function draw(element: HTMLElement, figure: Figure, axis: Axis): ECharts {
  const chart = init(element, null, { renderer: 'svg' });
  const option = optionOf(figure, coloursOf(document.documentElement), axis);
  const formatter = (points: readonly Point[]) => tooltipOf(figure, points);
  chart.setOption({ ...option, tooltip: { ...option.tooltip, formatter } });
  if (figure.group !== 'plot') {
    // The time under the pointer is shown in all charts over time.
    chart.group = 'time';
    connect('time');
  }
  return chart;
}

type Point = { seriesName?: string; seriesIndex?: number; value: unknown; color?: unknown };

/** Only what is above zero: most of many pods may be idle. */
function tooltipOf({ x, y, happened }: Figure, points: readonly Point[]): HTMLElement | string {
  const [first] = points;
  if (first === undefined) return '';
  const at = (first.value as [number, number])[0];
  const root = document.createElement('div');
  const add = (text: string, color?: string) => {
    const row = document.createElement('div');
    if (color) {
      const dot = document.createElement('span');
      dot.style.cssText = `display:inline-block;width:8px;height:8px;border-radius:2px;margin-right:6px;background:${color}`;
      row.append(dot);
    }
    row.append(text);
    root.append(row);
  };
  add(`${x.label}: ${at}`);
  for (const { seriesName, value, color } of points) {
    const number = (value as [number, number | null])[1];
    if (number === null || number === undefined || number === 0) continue;
    add(`${seriesName}: ${Number(number.toPrecision(4))} ${y.label}`, String(color));
  }
  for (const { text, fromS, untilS, kind } of happened) {
    const near = untilS === null ? Math.abs(at - fromS) <= 1 : at >= fromS && at <= untilS;
    if (near && kind !== 'part') add(text);
  }
  return root;
}
