// The data behind every chart of one run, whole: what changes here, a reader of the page sees.
import { expect, it } from 'vitest';
import { chartDataOf } from '../../../scripts/report/html/chart-data.ts';
import { csvOf, type Figure } from '../../../scripts/report/html/figure.ts';
import { figuresOf } from '../../../scripts/report/html/figures.ts';
import { complete } from '../../support/complete-history.ts';
import { ARM, scaleOut, unanswered } from '../../support/history.ts';

const written = ({ id, group, title, shape, x, y, series, happened, summary }: Figure): string =>
  [
    `# ${id}: ${title} (${group}, ${shape}, ${x.label} by ${y.label})`,
    summary,
    `series: ${series.map(({ name, role }) => `${name} ${role}`).join(', ')}`,
    ...happened.map(
      ({ kind, label, text, fromS, untilS }) => `${kind} ${fromS}..${untilS} ${label}: ${text}`,
    ),
    csvOf({ x, series }),
  ].join('\n');

it('is as it was', async () => {
  const history = scaleOut(3000, {
    tamper: (call) => (call.seq % 100 === 0 ? unanswered(call) : { ...call, latencyMs: 1 + (call.seq % 7) }),
  });
  const figures = figuresOf(await chartDataOf([complete(history)], [ARM]), []);
  await expect(figures.map(written).join('\n')).toMatchFileSnapshot('golden.txt');
});
