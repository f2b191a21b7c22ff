// The connections experiment on an embedded cluster: as it should be, and with the causes taken away.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunDocument } from '../../scripts/report/index.ts';
import { lab } from '../support/cli.ts';
import { LAB, leftOvers } from './support.ts';

beforeAll(async () => {
  const up = await lab('lab-up', ['--name', LAB, '--provider', 'embedded']);
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  await lab('lab-down', ['--name', LAB]);
});

async function run(args: string) {
  const short = ['--warmup', '2s', '--load', '5s', '--freeze', '7s', '--name', LAB, '--json'];
  const result = await lab('experiment', ['connections', ...args.split(' ').filter(Boolean), ...short]);
  expect(result.stdout, result.stderr).not.toBe('');
  expect(await leftOvers(LAB)).toEqual([]);
  return RunDocument.parse(JSON.parse(result.stdout));
}

it('passes: leaks grow, streams queue, idle connections close, and keepalive ends a black hole', async () => {
  const document = await run('');
  expect(document.verdict, document.reasons.join('\n')).toBe('pass');
  expect(document.prediction).toContain('No arm with few ports here');
  const [leaks, ...others] = document.tables;
  const open = new Map(leaks?.rows.map(([arm, , , channels, open]) => [arm, { channels, open }]));
  expect([...open.keys()]).toEqual(['leak-own-pool', 'leak-tls', 'churn', 'default-pool']);
  expect(Number(open.get('leak-own-pool')?.open)).toBeGreaterThan(100);
  expect(Number(open.get('default-pool')?.channels)).toBeGreaterThan(100);
  expect(open.get('default-pool')?.open).toBe('1');
  expect(others).toHaveLength(5);
});

it('fails with the reason where nothing leaks, queues, closes or notices', async () => {
  const document = await run('--close-channels --max-streams off --idle-timeout off --keepalive off');
  expect(document.verdict, document.reasons.join('\n')).toBe('fail');
  const failed = document.findings
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ arm, check }) => `${arm} ${check}`);
  expect(failed).toEqual([
    'leak-own-pool connections-grow',
    'leak-tls connections-grow',
    'stream-queue calls-queue',
    'idle-timeout idle-closed',
    'keepalive black-hole',
  ]);
  const reasons = document.reasons.join('\n');
  expect(reasons).toMatch(/leak-own-pool: \d+ calls opened -?\d connections? that stay, -?0.0\d per call/);
  expect(reasons).toContain('idle-timeout: 1 connection still open');
  expect(reasons).toMatch(/keepalive: calls were lost for \d.\ds, predicted 500ms to 4.0s/);
});
