import { describe, expect, it } from 'vitest';
import { chartDataOf } from '../../../scripts/report/html/chart-data.ts';
import { csvOf } from '../../../scripts/report/html/figure.ts';
import { figuresOf } from '../../../scripts/report/html/figures.ts';
import { complete } from '../../support/complete-history.ts';
import { ARM, scaleOut, unanswered } from '../../support/history.ts';

const figures = async (script: Parameters<typeof scaleOut>[1] = {}) =>
  figuresOf(await chartDataOf([complete(scaleOut(3000, script))], [ARM]), []);

describe('the charts of a run', () => {
  it('are those that have something to show', async () => {
    expect((await figures()).map(({ id }) => id)).toEqual(['requests-treatment', 'latency-treatment']);
    const failing = await figures({ tamper: (call) => (call.seq === 500 ? unanswered(call) : call) });
    expect(failing.map(({ id }) => id)).toEqual([
      'requests-treatment',
      'latency-treatment',
      'errors-treatment',
    ]);
    expect(failing[0]?.series.at(-1)).toMatchObject({ name: 'no pod answered', role: 'unanswered' });
    expect(failing[2]?.summary).toBe('Calls of treatment that failed, by status code: 2 UNAVAILABLE.');
  });

  it('say in words what they show', async () => {
    const [requests, latency] = await figures();
    expect(requests?.summary).toBe(
      'Calls a second that each pod of treatment answered: 5 pods that were there before, 5 new ones of which 5 were called.',
    );
    expect(latency?.summary).toBe(
      'Latency of the calls of treatment: the median is mostly about 2.0 ms, the slowest call took 2 ms.',
    );
  });

  it('put new pods on top of old ones', async () => {
    const [requests] = await figures();
    expect(requests?.series.map(({ role }) => role)).toEqual([
      ...Array(5).fill('old-pod'),
      ...Array(5).fill('new-pod'),
    ]);
  });
});

describe('curves of an experiment', () => {
  const [plot] = figuresOf({ timesS: [], binS: 1, arms: [] }, [
    {
      title: 'Trade-off',
      x: { label: 'max age (s)', log: true },
      y: { label: 'seconds' },
      series: [
        {
          name: 'convergence',
          points: [
            [10, 4],
            [5, 2],
          ],
        },
        { name: 'control', points: [[20, null]] },
      ],
    },
  ]);

  it('have one x for all, with gaps where a curve has no value', () => {
    expect(plot).toMatchObject({ id: 'plot-1', shape: 'curves', x: { values: [5, 10, 20], log: true } });
    expect(plot?.series.map(({ values }) => values)).toEqual([
      [2, 4, null],
      [null, null, null],
    ]);
    expect(plot?.summary).toBe('Trade-off: seconds by max age (s). convergence: 2 to 4; control: nothing.');
  });

  it('are comma-separated values on request, quoted where they must be', () => {
    if (plot === undefined) throw new Error('there is none');
    expect(csvOf(plot)).toBe('max age (s),convergence,control\n5,2,\n10,4,\n20,,\n');
    expect(
      csvOf({ x: { label: 'a,b', values: [1] }, series: [{ name: 'say "x"', role: 'item', values: [0] }] }),
    ).toBe('"a,b","say ""x"""\n1,0\n');
  });
});
