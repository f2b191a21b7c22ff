// Restarts and outages on an embedded cluster: as predicted, and in worlds in which the prediction does not hold.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

async function run(experiment: string, args: string): Promise<RunDocument> {
  const result = await lab('experiment', [experiment, ...args.split(' '), '--name', LAB, '--json']);
  expect(result.stdout, result.stderr).not.toBe('');
  expect(await leftOvers(LAB)).toEqual([]);
  return RunDocument.parse(JSON.parse(result.stdout));
}
const rowsOf = ({ tables }: RunDocument, index = 0) =>
  new Map(tables[index]?.rows.map(([head = '', ...cells]) => [head, cells]));
const failed = ({ findings }: RunDocument) =>
  findings.filter(({ verdict }) => verdict === 'fail').map(({ arm, check }) => `${arm} ${check}`);

describe('rolling-restart', () => {
  const SHORT = '--dns-floor 8s --drain 5s --short-drain 1s --ready-after 3s --warmup 2s';

  it('passes: a drain that is long enough loses nothing, a slow start is an outage that a floor, a watch or a surge avoid', async () => {
    const document = await run('rolling-restart', SHORT);
    expect(document.verdict, document.reasons.join('\n')).toBe('pass');
    const rows = rowsOf(document);
    for (const arm of ['drain', 'slow-ready-floor-1s', 'slow-ready-watch', 'slow-ready-surge']) {
      expect(rows.get(arm)?.[0]).toMatch(/^0 of /);
    }
    expect(rows.get('force')?.[1]).toContain('CANCELLED');
    expect(rows.get('slow-ready')?.[0]).not.toMatch(/^0 of /);
  });

  it('fails when all old pods may go before a new one is Ready: nobody is left, whoever is asked', async () => {
    const document = await run('rolling-restart', `${SHORT} --max-unavailable 2`);
    expect(document.verdict).toBe('fail');
    expect(failed(document)).toContain('slow-ready-watch no-failed-call');
    expect(document.reasons.join('\n')).toMatch(/slow-ready-watch: \d+ of .* failed: \d+ UNAVAILABLE/);
  });
});

describe('outage', () => {
  const SHORT = '--dns-floor 4s --poll 4s --hold 3s --warmup 2s';

  it('passes: everyone is back in time, with the words that tell what was wrong', async () => {
    const document = await run('outage', SHORT);
    expect(document.verdict, document.reasons.join('\n')).toBe('pass');
    const said = rowsOf(document, 2);
    expect(said.get('zero-headless')?.[1]).toContain(
      'No connection established. Last error: Error: connect ECONNREFUSED',
    );
    expect(said.get('zero-fresh')?.[1]).toContain('Name resolution failed for target');
    expect(document.findings.filter(({ check }) => check === 'same-pods')).toHaveLength(3);
  });

  it('fails when clients connect again too late, and says how late', async () => {
    const document = await run('outage', `${SHORT} --reconnect-backoff 30s`);
    expect(document.verdict).toBe('fail');
    expect(failed(document)).toContain('restarted-headless answered-again');
    expect(document.reasons.join('\n')).toMatch(
      /restarted-headless: (no answer in|answered again) \d+\.\ds .*, at most \d\.\ds expected/,
    );
  });
});
