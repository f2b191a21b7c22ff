// The experiments graceful, health and probes on an embedded cluster: that they hold, and that they see a world in which
// they do not.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import health from '../../scripts/experiments/health/index.ts';
import probes from '../../scripts/experiments/probes/index.ts';
import { RunDocument } from '../../scripts/report/index.ts';
import { lab } from '../support/cli.ts';
import { planOf } from '../support/plan.ts';
import { historyOf, LAB, leftOvers, withArmsReplaced } from './support.ts';

beforeAll(async () => {
  const up = await lab('lab-up', ['--name', LAB, '--provider', 'embedded']);
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  await lab('lab-down', ['--name', LAB]);
});

async function run(experiment: string, args: string): Promise<RunDocument> {
  const words = args.split(' ').filter(Boolean);
  const result = await lab('experiment', [experiment, ...words, '--name', LAB, '--json']);
  expect(result.stdout, result.stderr).not.toBe('');
  expect(await leftOvers(LAB)).toHaveLength(0);
  return RunDocument.parse(JSON.parse(result.stdout));
}
const rowsOf = ({ tables }: RunDocument, index = 0) =>
  new Map(tables[index]?.rows.map(([head = '', ...cells]) => [head, cells]));
const armsThat = ({ findings }: RunDocument, verdict: string) => [
  ...new Set(findings.filter((finding) => finding.verdict === verdict).map(({ arm }) => arm)),
];

describe('graceful', () => {
  const SHORT = '--max-connection-age 4s --call 6s';

  it('passes: calls and streams go on without a grace, and are cut after it', async () => {
    const document = await run('graceful', `${SHORT} --grace 1s`);
    expect(document.verdict, document.reasons.join('\n')).toBe('pass');
    const rows = rowsOf(document);
    expect(rows.get('grace')?.[2]).toMatch(/^\d UNAVAILABLE$/);
    expect(rows.get('grace-many')?.[2]).toMatch(/^\d UNAVAILABLE, \d+ INTERNAL$/);
    expect(rows.get('stream')?.[1]).toBe(`${rows.get('stream')?.[0]?.split(' ')[0]} still open`);
  });

  it('fails when servers have no grace, and says so', async () => {
    const document = await run('graceful', `${SHORT} --grace off`);
    expect(document.verdict).toBe('fail');
    expect(armsThat(document, 'fail')).toEqual(['grace', 'grace-many', 'stream-grace']);
    expect(document.reasons[0]).toMatch(/without a grace nothing is cut; a call of \S+ went on until/);
  });
});

describe('health', () => {
  it('passes: endpoints follow what the probe asks for, an open connection does not', async () => {
    const line = '--max-connection-age 3s --dns-floor 1s --warmup 2s';
    const document = await run('health', line);
    expect(document.verdict, document.reasons.join('\n')).toBe('pass');
    const rows = rowsOf(document);
    expect(rows.get('probed ("greet.Greeter")')?.[1]).toMatch(/^not ready, 3\d%$/);
    expect(rows.get('probed-max-age ("greet.Greeter")')?.[1]).toBe('not ready, 0%');
    expect(rows.get('unprobed (TCP)')?.[3]).toMatch(/^ready, 3\d%$/);

    // A max age that no server keeps to.
    const other = withArmsReplaced(await historyOf(document), { 'probed-max-age': 'probed' });
    expect(planOf(health, line).judge(other).judgement).toMatchObject({
      verdict: 'fail',
      reasons: [
        expect.stringMatching(/^probed-max-age: greeter-server-probed-\S+ still had \d+ of \d+ calls, up to/),
      ],
    });
  });
});

describe('probes', () => {
  it('passes: each probe tells what it can; and what it does not tell is no pass', async () => {
    const line = '--probe-period 1';
    const document = await run('probes', line);
    expect(document.verdict, document.reasons.join('\n')).toBe('pass');
    const rows = rowsOf(document);
    expect(rowsOf(document, 2).get('http-get')?.[0]).toContain('net/http: HTTP/1.x');
    expect(rows.get('exec-short')?.slice(0, 3)).toEqual(['not Ready', 'not Ready', 'not Ready']);
    expect(Number(rowsOf(document, 1).get('exec-short')?.[2])).toBeGreaterThan(2);

    // The probes of two pods are mixed up.
    const other = withArmsReplaced(await historyOf(document), {
      'tcp-socket': 'grpc',
      grpc: 'tcp-socket',
    });
    expect(planOf(probes, line).judge(other).judgement).toMatchObject({
      verdict: 'fail',
      reasons: expect.arrayContaining([
        expect.stringMatching(/^tcp-socket: greeter-server-grpc-\S+ left the ready endpoints$/),
      ]),
    });
  });
});
