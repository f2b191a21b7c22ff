// Draws the page's charts when they come into view, and again when the theme or the width changes.
import type { ECharts } from 'echarts/core';
import { colourOf } from '../colours.ts';
import { csvOf, type Figure } from '../figure.ts';
import type { Axis } from '../option.ts';
import { draw } from './charts.ts';
import { coloursOf } from './page-colours.ts';

const figures: Figure[] = JSON.parse(document.getElementById('figures')?.textContent ?? '[]');
const byId = new Map(figures.map((figure) => [figure.id, figure]));
const drawn = new Map<string, ECharts>();
const seen = new Set<string>();

/** The range of y of a group, so that its charts can be compared. */
const ranges = new Map<string, { least: number; most: number }>();
for (const { group, shape, x, series } of figures) {
  if (group === 'plot') continue;
  const stacked = shape.startsWith('stacked');
  const columns = x.values.map((_, at) => series.flatMap(({ values }) => values[at] ?? []));
  const highs = columns.map((column) =>
    stacked ? column.reduce((sum, value) => sum + value, 0) : Math.max(0, ...column),
  );
  const above = columns.flat().filter((value) => value > 0);
  const known = ranges.get(group) ?? { least: Number.POSITIVE_INFINITY, most: 0 };
  ranges.set(group, {
    least: above.reduce((least, value) => Math.min(least, value), known.least),
    most: highs.reduce((most, value) => Math.max(most, value), known.most),
  });
}

/** The ends of the axis: round numbers around the range. */
function axisOf({ group, y }: Figure): Axis {
  const { least, most } = ranges.get(group) ?? { least: 0, most: 0 };
  if (most === 0) return {};
  if (y.log) return { min: 10 ** Math.floor(Math.log10(least)), max: 10 ** Math.ceil(Math.log10(most)) };
  const step = 10 ** Math.floor(Math.log10(most)) / 2;
  return { max: Math.ceil((most * 1.02) / step) * step };
}

function drawOne(id: string): void {
  const element = document.querySelector<HTMLElement>(`[data-figure="${id}"]`);
  const figure = byId.get(id);
  if (!element || !figure) return;
  drawn.get(id)?.dispose();
  drawn.set(id, draw(element, figure, axisOf(figure)));
  paintLegend(element.parentElement, figure);
}

function paintLegend(parent: HTMLElement | null, { series }: Figure): void {
  const colours = coloursOf(document.documentElement);
  for (const swatch of parent?.querySelectorAll<HTMLElement>('[data-series]') ?? [])
    swatch.style.background = colourOf(colours, series, Number(swatch.dataset.series));
}

const inView = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      const id = (target as HTMLElement).dataset.figure;
      if (!isIntersecting || id === undefined || seen.has(id)) continue;
      seen.add(id);
      drawOne(id);
    }
  },
  { rootMargin: '400px' },
);
const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) drawn.get((target as HTMLElement).dataset.figure ?? '')?.resize();
});
for (const element of document.querySelectorAll<HTMLElement>('[data-figure]')) {
  inView.observe(element);
  resized.observe(element);
}
// On paper nothing comes into view.
addEventListener('beforeprint', () => {
  for (const { id } of figures) drawOne(id);
});

const redraw = () => {
  for (const id of seen) drawOne(id);
};
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
document.getElementById('theme')?.addEventListener('click', () => {
  const root = document.documentElement;
  const dark =
    root.dataset.theme === 'dark' ||
    (root.dataset.theme === undefined && matchMedia('(prefers-color-scheme: dark)').matches);
  root.dataset.theme = dark ? 'light' : 'dark';
  redraw();
});

document.addEventListener('click', (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>('button');
  const figure = byId.get(button?.dataset.csv ?? '');
  if (figure) save(`${figure.id}.csv`, csvOf(figure));
  const { copy } = button?.dataset ?? {};
  if (button && copy !== undefined) {
    void navigator.clipboard.writeText(copy).then(() => {
      button.textContent = 'Copied';
    });
  }
});

function save(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
