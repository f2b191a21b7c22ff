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
import { SVGRenderer } from 'echarts/renderers';
import type { Figure } from '../figure.ts';
import { type Colours, colourOf, coloursOf } from './colours.ts';
import { marksOf } from './marks.ts';

use([
  AriaComponent,
  BarChart,
  DataZoomInsideComponent,
  GridComponent,
  LineChart,
  MarkAreaComponent,
  MarkLineComponent,
  SVGRenderer,
  TooltipComponent,
]);

type Axis = { min?: number; max?: number };

/** @param axis the same ends for all figures of a group, where there are some. */
export function draw(element: HTMLElement, figure: Figure, axis: Axis): ECharts {
  const chart = init(element, null, { renderer: 'svg' });
  chart.setOption(optionOf(figure, coloursOf(document.documentElement), axis));
  if (figure.group !== 'plot') {
    // The time under the pointer is shown in all charts over time.
    chart.group = 'time';
    connect('time');
  }
  return chart;
}

function optionOf(figure: Figure, colours: Colours, axis: Axis) {
  const { x, y, series, shape, happened } = figure;
  const overTime = figure.group !== 'plot';
  const line = { lineStyle: { color: colours.line } };
  const text = { color: colours.quiet, fontFamily: 'inherit', fontSize: 11 };
  return {
    animation: false,
    textStyle: { fontFamily: 'inherit' },
    aria: { enabled: true, label: { description: figure.summary } },
    grid: { left: 8, right: 14, top: 26, bottom: overTime ? 6 : 24, containLabel: true },
    tooltip: {
      trigger: 'axis',
      confine: true,
      order: shape === 'stacked-area' ? 'seriesDesc' : 'seriesAsc',
      backgroundColor: colours.card,
      borderColor: colours.line,
      textStyle: { color: colours.text, fontSize: 12 },
      extraCssText: 'max-height: 70vh; overflow-y: auto',
      axisPointer: { type: 'line', lineStyle: { color: colours.quiet } },
      formatter: (points: readonly Point[]) => tooltipOf(figure, points),
    },
    dataZoom: [{ type: 'inside', zoomOnMouseWheel: 'ctrl', moveOnMouseMove: false, moveOnMouseWheel: false }],
    xAxis: {
      type: x.log ? 'log' : 'value',
      ...(overTime ? {} : { name: x.label, nameLocation: 'middle', nameGap: 26, nameTextStyle: text }),
      min: 'dataMin',
      max: 'dataMax',
      axisLabel: {
        ...text,
        hideOverlap: true,
        showMaxLabel: !overTime,
        ...(overTime ? { formatter: '{value} s' } : {}),
      },
      axisLine: line,
      axisTick: { show: false },
      splitLine: { show: false },
    },
    yAxis: {
      type: y.log ? 'log' : 'value',
      name: y.label,
      nameTextStyle: { ...text, align: 'left' },
      nameGap: 8,
      ...axis,
      axisLabel: { ...text, hideOverlap: true },
      splitLine: { lineStyle: { color: colours.faint } },
    },
    series: series.map((one, index) => {
      const color = colourOf(colours, series, index);
      return {
        name: one.name,
        type: shape === 'stacked-bars' ? 'bar' : 'line',
        data: one.values.map((value, at) => [x.values[at], y.log && value === 0 ? null : value]),
        ...(shape.startsWith('stacked') ? { stack: 'all' } : {}),
        ...(shape === 'stacked-area' ? { areaStyle: { color, opacity: 0.85 } } : {}),
        ...(shape === 'curves' ? { symbolSize: 7, connectNulls: true } : { showSymbol: false }),
        step: figure.group === 'connections' ? 'end' : false,
        barCategoryGap: '0%',
        barMinWidth: 2,
        color,
        lineStyle: { color, width: shape === 'stacked-area' ? 0 : 2 },
        itemStyle: { color },
        emphasis: { disabled: true },
        ...(index === 0 ? marksOf(happened, colours) : {}),
      };
    }),
  };
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
