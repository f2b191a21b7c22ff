// The experiments graceful, health and probes on an embedded cluster: that they hold, and that they see a world in which
// they do not.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labRoot } from '../../scripts/cluster/index.ts';
import probes from '../../scripts/experiments/probes/index.ts';
import type { HistoryEvent } from '../../scripts/history/index.ts';
import { RunDocument } from '../../scripts/report/index.ts';
import { lab } from '../support/cli.ts';
import { edit } from '../support/history.ts';
import { planOf } from '../support/plan.ts';
import { LAB, leftOvers } from './support.ts';

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
    const document = await run('health', '--max-connection-age 3s --dns-floor 1s --warmup 2s');
    expect(document.verdict, document.reasons.join('\n')).toBe('pass');
    const rows = rowsOf(document);
    expect(rows.get('probed ("greet.Greeter")')?.[1]).toMatch(/^not ready, 3\d%$/);
    expect(rows.get('probed-max-age ("greet.Greeter")')?.[1]).toBe('not ready, 0%');
    expect(rows.get('unprobed (TCP)')?.[3]).toMatch(/^ready, 3\d%$/);
  });

  it('fails when no connection ages, and says who was still called', async () => {
    const document = await run('health', '--max-connection-age off --dns-floor 1s --warmup 2s');
    expect(document.verdict).toBe('fail');
    expect(armsThat(document, 'fail')).toEqual(['probed-max-age']);
    expect(document.reasons.join('\n')).toMatch(
      /greeter-server-probed-max-age-\S+ still had \d+ of \d+ calls/,
    );
  });
});

describe('probes', () => {
  it('passes: each probe tells what it can; and what it does not tell is no pass', async () => {
    const line = '--script-work 1200ms --probe-period 1';
    const document = await run('probes', line);
    expect(document.verdict, document.reasons.join('\n')).toBe('pass');
    const rows = rowsOf(document);
    expect(rowsOf(document, 2).get('http-get')?.[0]).toContain('net/http: HTTP/1.x');
    expect(rows.get('exec-short')?.slice(0, 3)).toEqual(['not Ready', 'not Ready', 'not Ready']);
    expect(Number(rowsOf(document, 1).get('exec-short')?.[2])).toBeGreaterThan(2);

    const judge = (history: HistoryEvent[]) => planOf(probes, line).judge(history).judgement;
    const history = historyOf(document);
    expect(judge(history).verdict).toBe('pass');
    // The TCP probe's pod is taken for the one of the gRPC probe, and the other way round.
    const swapped: Record<string, string> = { 'tcp-socket': 'grpc-service', grpc: 'tcp-socket' };
    const other = edit(history, (event) => {
      const arm = 'arm' in event && event.arm !== undefined ? swapped[event.arm] : undefined;
      const service =
        event.type === 'endpoints' && arm !== undefined ? { service: `greeter-headless-${arm}` } : {};
      return arm === undefined ? event : ({ ...event, ...service, arm } as HistoryEvent);
    });
    expect(judge(other)).toMatchObject({
      verdict: 'fail',
      reasons: expect.arrayContaining([
        expect.stringMatching(/^tcp-socket: greeter-server-grpc-\S+ left the ready endpoints$/),
      ]),
    });
  });
});

function historyOf({ id }: RunDocument): HistoryEvent[] {
  const file = join(labRoot(), 'runs', id, 'history.ndjson.gz');
  const lines = gunzipSync(readFileSync(file)).toString().split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as HistoryEvent);
}
