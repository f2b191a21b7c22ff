// What experiments say of themselves: the help prints it as it is, and the report takes each line for a paragraph.
import { describe, expect, it } from 'vitest';
import { findExperiments } from '../../scripts/experiments/index.ts';
import { planOf, widthOf } from '../support/plan.ts';

describe.each(await findExperiments())('$name', (experiment) => {
  it('fits into 80 columns', () => {
    for (const line of [experiment.about, experiment.use].join('\n').split('\n'))
      expect(line.length, line).toBeLessThanOrEqual(80);
    expect(widthOf(planOf(experiment, '').prediction)).toBeLessThanOrEqual(80);
  });

  it('shows figures of its arms, or plots', () => {
    const arms = planOf(experiment, '').arms.map(({ name }) => name);
    const ids = ['requests', 'latency', 'errors', 'connections'].flatMap((group) =>
      arms.map((arm) => `${group}-${arm}`),
    );
    for (const figure of experiment.figures) expect([...ids, 'plot-1', 'plot-2']).toContain(figure);
  });

  it('indents the further lines of each paragraph of its prediction', () => {
    const ends = /[.:]$| {2}/;
    const paragraphs = planOf(experiment, '').prediction.replaceAll('\n  ', ' ').split('\n');
    // A row of a table ends without a full stop.
    for (const paragraph of paragraphs) expect(paragraph).toMatch(ends);
  });
});
