// How calls are spread, and what names answer, on an embedded cluster: as they should be, and in broken worlds.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import distribution from '../../scripts/experiments/distribution/index.ts';
import { RunDocument } from '../../scripts/report/index.ts';
import { lab } from '../support/cli.ts';
import { planOf } from '../support/plan.ts';
import { historyOf, LAB, leftOvers, withArmsSwapped } from './support.ts';

beforeAll(async () => {
  const up = await lab('lab-up', ['--name', LAB, '--provider', 'embedded']);
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  await lab('lab-down', ['--name', LAB]);
});

async function run(experiment: string, args: readonly string[] = []): Promise<RunDocument> {
  const result = await lab('experiment', [experiment, ...args, '--name', LAB, '--json']);
  expect(result.stdout, result.stderr).not.toBe('');
  const document = RunDocument.parse(JSON.parse(result.stdout));
  expect(await leftOvers(LAB)).toHaveLength(0);
  return document;
}

const FEWER = ['--servers', '3', '--channels', '15', '--window', '6s', '--warmup', '3s'];

describe('distribution', () => {
  it('passes; and the same history fails with policies swapped', async () => {
    const document = await run('distribution', FEWER);
    expect(document.verdict, document.reasons.join('\n')).toBe('pass');
    const connections = document.tables[0]?.rows.map((row) => row.at(-1)).filter(Boolean);
    expect(connections).toEqual(['1', '1', '1', '3', '15', '15', '15', '45']);

    const history = await historyOf(document);
    const swapped = withArmsSwapped(history, 'headless-pick-first', 'headless-round-robin');
    const { judgement, findings } = planOf(distribution, FEWER.join(' ')).judge(swapped);
    expect(judgement.verdict).toBe('fail');
    const failed = findings
      .filter(({ verdict }) => verdict !== 'pass')
      .map(({ arm, check, verdict }) => `${arm} ${check} ${verdict}`);
    expect(failed).toEqual([
      'headless-pick-first one-pod-per-channel fail',
      'headless-pick-first connections-open fail',
      'headless-round-robin even-per-channel fail',
      'headless-round-robin connections-open fail',
    ]);
    expect(judgement.reasons.join('\n')).toMatch(
      /headless-pick-first: 1 channel of 1 were answered by several pods/,
    );
  });

  it('fails when connections are renewed, and says that channels moved', async () => {
    const { verdict, reasons } = await run('distribution', [...FEWER, '--max-connection-age', '2s']);
    expect(verdict).toBe('fail');
    expect(reasons.join('\n')).toMatch(/clusterip-pick-first-x15: .* were answered by several pods: channel/);
  });
});

describe('dns', () => {
  it('passes: answers follow the slices, and the virtual IP stays', async () => {
    const document = await run('dns', ['--from', '1', '--to', '3', '--settle', '3s']);
    expect(document.verdict, document.reasons.join('\n')).toBe('pass');
    const counts = document.tables[0]?.rows.map((row) => row.slice(-3).join(' '));
    expect(counts).toEqual(['3 3 1', '2 3 1', '3 3 1', '3 3 1', '0 0 1', '1 1 1']);
  });

  it('fails when nobody asks whether a pod is Ready', async () => {
    const off = ['--readiness-probe', 'off', '--from', '1', '--to', '2', '--settle', '3s'];
    const { verdict, reasons } = await run('dns', off);
    expect(verdict).toBe('fail');
    expect(reasons).toContain(
      'headless: greeter-headless-pods had the wrong number of addresses: one-not-ready 2, expected 1',
    );
  });
});
