// What connection ages cost and buy, on an embedded cluster: as it should be, and with an age that is ignored.
import { afterAll, beforeAll, expect, it } from 'vitest';
import connectionAge from '../../scripts/experiments/connection-age/index.ts';
import { RunDocument } from '../../scripts/report/index.ts';
import { lab } from '../support/cli.ts';
import { planOf } from '../support/plan.ts';
import { historyOf, LAB, leftOvers, withArmsSwapped } from './support.ts';

const SHORT = '--ages 1s,4s --floors 5s --steady 9s --warmup 3s';

beforeAll(async () => {
  const up = await lab('lab-up', ['--name', LAB, '--provider', 'embedded']);
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  await lab('lab-down', ['--name', LAB]);
});

it('passes, with curves and a range of ages; and the same history fails where the age of an arm is ignored', async () => {
  const result = await lab('experiment', ['connection-age', ...SHORT.split(' '), '--name', LAB, '--json']);
  expect(result.stdout, result.stderr).not.toBe('');
  const document = RunDocument.parse(JSON.parse(result.stdout));
  expect(document.verdict, document.reasons.join('\n')).toBe('pass');
  expect(await leftOvers(LAB)).toEqual([]);
  const rows = new Map(document.tables[0]?.rows.map(([arm, ...cells]) => [arm, cells]));
  expect([...rows.keys()]).toEqual(['age-1s', 'age-4s', 'floor-5s', 'no-age']);
  expect(rows.get('no-age')?.slice(0, 2)).toEqual(['never', '0.00']);
  expect(document.plots).toHaveLength(5);

  const history = await historyOf(document);
  const swapped = withArmsSwapped(history, 'no-age', 'age-4s');
  const { judgement, findings } = planOf(connectionAge, SHORT).judge(swapped);
  expect(judgement.verdict).toBe('fail');
  const failed = findings
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ arm, check }) => `${arm} ${check}`);
  expect(failed).toEqual([
    'age-4s new-pods-served',
    'age-4s reconnect-rate',
    'no-age new-pods-idle',
    'no-age reconnect-rate',
  ]);
});
