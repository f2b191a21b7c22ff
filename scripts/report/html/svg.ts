// A figure as an SVG that stands alone: for pages that are no report.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BarChart, LineChart } from 'echarts/charts';
import {
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TitleComponent,
} from 'echarts/components';
import { init, use } from 'echarts/core';
import { LegacyGridContainLabel } from 'echarts/features';
import { SVGRenderer } from 'echarts/renderers';
import { coloursFrom } from './colours.ts';
import type { Figure } from './figure.ts';
import { optionOf } from './option.ts';

use([
  BarChart,
  GridComponent,
  LegacyGridContainLabel,
  LegendComponent,
  LineChart,
  MarkAreaComponent,
  MarkLineComponent,
  SVGRenderer,
  TitleComponent,
]);

const WIDTH = 840;
const HEIGHT = 300;
/** More names than this would fill the picture; what curves are, nothing but their names tells. */
const MOST_NAMED = 6;
const MOST_CURVES_NAMED = 8;

/** In the colours of the light theme. */
export async function svgOf(figure: Figure): Promise<string> {
  const style = await readFile(join(import.meta.dirname, 'browser/style.css'), 'utf8');
  const light = style.slice(0, style.indexOf('}'));
  const colours = coloursFrom((name) => new RegExp(`--${name}: (#\\w+);`).exec(light)?.[1] ?? '#000000');
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const { tooltip: _, dataZoom: __, aria: ___, ...option } = optionOf(figure, colours, {});
  chart.setOption({
    ...option,
    backgroundColor: colours.card,
    title: { text: figure.title, left: 12, top: 8, textStyle: { color: colours.text, fontSize: 14 } },
    grid: { ...option.grid, top: 78, bottom: 30 },
    ...(figure.series.length <= (figure.group === 'plot' ? MOST_CURVES_NAMED : MOST_NAMED) && {
      legend: { top: 30, left: 8, textStyle: { color: colours.quiet, fontSize: 11 } },
    }),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
