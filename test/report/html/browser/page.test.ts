// The page as a browser shows it.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { htmlReport } from '../../../../scripts/report/html/index.ts';
import { armResult } from '../../../../scripts/report/index.ts';
import { chromiumPath } from '../../../support/chromium.ts';
import { complete } from '../../../support/complete-history.ts';
import { counters, scaleOut, unanswered } from '../../../support/history.ts';
import { documentOf } from '../../../support/run-document.ts';
import { tempDir } from '../../../support/temp-dir.ts';

const HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(2)>';
const ARMS = ['treatment', 'control'];
const history = ARMS.flatMap((arm) => [
  ...complete(
    scaleOut(arm === 'control' ? undefined : 3000, {
      arm,
      tamper: (call) => (call.seq % 500 === 499 ? unanswered(call) : call),
    }),
  ),
  { ...counters('server-1', 30_000, {}, true, arm), connections: { open: 2, opened: 4, greeted: 4 } },
]);
const run = documentOf('fail', history, {
  question: `Is it ${HOSTILE}?`,
  arms: ARMS.map((arm) => armResult(history, arm)),
  tables: [
    {
      title: 'A matrix',
      columns: ['', 'one', 'other'],
      rows: [['row', '1', '2']],
      heat: { values: [[1, 2]], tone: 'bad' },
    },
  ],
  plots: [
    {
      title: 'A curve',
      x: { label: 'age' },
      y: { label: 's' },
      series: [
        {
          name: 'c',
          points: [
            [1, 2],
            [2, 3],
          ],
        },
      ],
    },
  ],
});

let dir: Awaited<ReturnType<typeof tempDir>>;
let browser: Browser;
let file: string;
beforeAll(async () => {
  dir = await tempDir();
  file = join(dir.path, 'report.html');
  await writeFile(file, await htmlReport(run, [history]));
  browser = await chromium.launch({
    executablePath: await chromiumPath(),
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await dir?.[Symbol.asyncDispose]();
});

type Seen = { page: Page; complaints: string[]; requests: string[] };

async function open(options: BrowserContextOptions = {}): Promise<Seen> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(`file://${file}`);
  return { page, complaints, requests };
}

/** Charts are drawn when they come into view. */
async function scrollThrough(page: Page): Promise<void> {
  for (const chart of await page.locator('[data-figure]').all()) {
    await chart.scrollIntoViewIfNeeded();
    await chart.locator('svg').waitFor();
  }
}

describe('the page', () => {
  it('asks nobody for anything, complains of nothing, and runs nothing that it only shows', async () => {
    const { page, complaints, requests } = await open();
    await scrollThrough(page);
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([`file://${file}`]);
    expect(await page.locator('h1').textContent()).toContain(HOSTILE);
    await page.context().close();
  });

  it('is one file of less than 2 MB', async () => {
    expect((await stat(file)).size).toBeLessThan(2_000_000);
    expect(await readFile(file, 'utf8')).not.toMatch(/(?:src|href)="https?:/);
  });

  it('draws a mark for everything that a chart has', async () => {
    const { page } = await open();
    await scrollThrough(page);
    const drawn = await page.locator('[data-figure]').evaluateAll(marksOf);
    expect(drawn).toEqual([
      ['plot-1', true, false],
      ...ARMS.map((arm) => [`requests-${arm}`, true, true]),
      ...ARMS.map((arm) => [`errors-${arm}`, true, true]),
      ...ARMS.map((arm) => [`latency-${arm}`, true, true]),
      ...ARMS.map((arm) => [`connections-${arm}`, true, true]),
    ]);
    await page.context().close();
  });

  it.each([
    ['a phone', 390],
    ['a wide screen', 1920],
  ])('fits %s', async (_, width) => {
    const { page } = await open({ viewport: { width, height: 800 } });
    await scrollThrough(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    const widths = await page
      .locator('[data-figure] svg')
      .evaluateAll((all) => all.map((svg) => svg.clientWidth));
    for (const chart of widths) expect(chart).toBeLessThanOrEqual(width);
    await page.context().close();
  });

  it('hands out the data behind each chart', async () => {
    const { page } = await open();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('[data-csv="requests-treatment"]').click(),
    ]);
    const text = await readFile(await download.path(), 'utf8');
    const [head, ...rows] = text.trimEnd().split('\n');
    expect(download.suggestedFilename()).toBe('requests-treatment.csv');
    expect(head?.split(',')).toHaveLength(1 + 10 + 1);
    expect(rows).toHaveLength(120);
    await page.context().close();
  });

  it('can be used with the keyboard, and heard', async () => {
    const { page } = await open();
    await scrollThrough(page);
    const nameless = await page.evaluate(
      () =>
        [...document.querySelectorAll('button, a, summary, [role=img], figure, [role=region]')].filter(
          (element) =>
            !element.getAttribute('aria-label') &&
            !document.getElementById(element.getAttribute('aria-labelledby') ?? '')?.textContent &&
            !element.textContent?.trim(),
        ).length,
    );
    expect(nameless).toBe(0);
    await page.evaluate(() => scrollTo(0, 0));
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('theme');
    expect(await theme()).toBe('light');
    await page.keyboard.press('Enter');
    expect(await theme()).toBe('dark');
    expect(await page.locator('[data-figure="requests-treatment"]').getAttribute('aria-label')).toContain(
      '5 new ones of which 5 were called',
    );
    await page.context().close();
  });

  it.each(['light', 'dark'] as const)('has text that can be read, %s', async (colorScheme) => {
    const { page } = await open({ colorScheme });
    await scrollThrough(page);
    const faint = await page.evaluate(contrasts);
    expect(faint).toEqual([]);
    await page.context().close();
  });

  it('says without JavaScript what it lacks', async () => {
    const { page } = await open({ javaScriptEnabled: false });
    expect(await page.locator('noscript').textContent()).toContain('need JavaScript');
    expect(await page.locator('.badge').textContent()).toMatch(/fail/i);
    await page.context().close();
  });
});

/**
 * Of each chart: its figure, whether its data is drawn, and whether it tells of the fault. Runs in the page.
 *
 * Data has a colour, where axes are grey; and not that of faults and Ready. Bars are many.
 */
function marksOf(charts: (HTMLElement | SVGElement)[]): [string | undefined, boolean, boolean][] {
  const page = getComputedStyle(document.documentElement);
  const events = ['fault', 'ready'].map((name) => page.getPropertyValue(`--${name}`).trim());
  const isOfData = (colour: string | null) => {
    const channels = (colour?.match(/^#(..)(..)(..)$/) ?? []).slice(1).map((hex) => Number.parseInt(hex, 16));
    return !events.includes(colour ?? '') && Math.max(...channels) - Math.min(...channels) > 60;
  };
  return charts.map((chart) => {
    const marks = [...chart.querySelectorAll<SVGPathElement>('svg path')].filter(
      (path) => isOfData(path.getAttribute('stroke')) || isOfData(path.getAttribute('fill')),
    );
    const places = new Set(marks.map((path) => Math.round(path.getBBox().x)));
    const { figure } = chart.dataset;
    const isDrawn = figure?.startsWith('errors') ? places.size > 5 : marks.length > 0;
    return [figure, isDrawn, chart.textContent?.includes('scale') ?? false];
  });
}

/**
 * Texts whose contrast is below 4.5 to 1 (WCAG 2.2, 1.4.3), those in charts and of heat maps too. Runs in the page.
 *
 * Colours are painted one over the other, as the page does, and read back: so any way of writing them counts.
 */
function contrasts(): string[] {
  const pixel = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  if (!pixel) return ['no canvas'];
  const paint = (colour: string) => {
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
  };
  const luminance = () => {
    const [r = 0, g = 0, b = 0] = [...pixel.getImageData(0, 0, 1, 1).data].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paintBehind = (element: Element | null): void => {
    if (element) paintBehind(element.parentElement);
    paint(element ? getComputedStyle(element).backgroundColor : 'white');
  };
  const texts = [...document.querySelectorAll('main *, header *')].filter((element) =>
    [...element.childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent?.trim()),
  );
  return texts.flatMap((element) => {
    const { color, fill } = getComputedStyle(element);
    paintBehind(element);
    const behind = luminance();
    paint(element.closest('svg') ? fill : color);
    const [light = 0, dark = 0] = [behind, luminance()].sort((x, y) => y - x);
    const ratio = (light + 0.05) / (dark + 0.05);
    const text = element.textContent?.slice(0, 30);
    return ratio < 4.5 ? [`${element.tagName} ${text}: ${ratio.toFixed(2)}`] : [];
  });
}
