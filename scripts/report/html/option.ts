// What the charting library is told of a figure: data, without a page around it.
import { type Colours, colourOf } from './colours.ts';
import type { Figure } from './figure.ts';
import { marksOf } from './marks.ts';

/** The ends of the y axis, where they are not the figure's own. */
export type Axis = { min?: number; max?: number };

/** ECharts' option object. Tooltips are the page's. */
export function optionOf(figure: Figure, colours: Colours, axis: Axis) {
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
