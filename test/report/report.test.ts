import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  armResult,
  describeRun,
  RunDocument,
  runFolder,
  summarise,
  writeRun,
} from '../../scripts/report/index.ts';
import { complete } from '../support/complete-history.ts';
import { ARM, scaleIn, scaleOut, unanswered } from '../support/history.ts';
import { documentOf, LONG, SCALED_OUT } from '../support/run-document.ts';

const PODS = ['server-10', 'server-6', 'server-7', 'server-8', 'server-9'];

describe("an arm's figures", () => {
  const out = armResult(complete(scaleOut(3000)), ARM);

  it('have the way of each new pod, from the moment the change was asked for', () => {
    expect(out.newPods.map(({ pod }) => pod).sort()).toEqual(PODS);
    expect(out.newPods[0]).toEqual({
      pod: expect.any(String),
      node: 'worker',
      readyMs: 2000,
      inEndpointSliceMs: 2100,
      inDnsMs: 2300,
      resolvedMs: expect.closeTo(4980, 0),
      firstCallMs: expect.closeTo(5000, -2),
    });
    expect(out.leavingPods).toEqual([]);
    expect(out.evenMs).toBeGreaterThan(5000);
  });

  it('have the shares before the change and in the last ten seconds', () => {
    // Two clients, 200 calls a second each.
    expect(out.before).toMatchObject({ calls: 2 * 200 * 9, unanswered: 0 });
    expect(Object.values(out.before.byPod)).toEqual(Array(5).fill(720));
    expect(out.after).toMatchObject({ calls: 2 * 200 * 10, unanswered: 0 });
    expect(Object.values(out.after.byPod)).toEqual(Array(10).fill(400));
    expect(out.calls).toBe(2 * 200 * 60);
  });

  it('have the last ten seconds too where nothing was changed', () => {
    const unchanged = complete(scaleOut(0)).filter(({ type }) => type !== 'fault');
    const { before, after } = armResult(unchanged, ARM);
    expect(before.calls).toBe(2 * 200 * 59);
    expect(after).toMatchObject({ calls: 2 * 200 * 10, unanswered: 0 });
  });

  it('have one distribution of all clients, in milliseconds', () => {
    expect(out.latency).toMatchObject({ count: 4, maxMs: expect.closeTo(400, 0) });
    expect(out.latency?.p50Ms).toBeCloseTo(2, 1);
    expect(out.latency?.p90Ms).toBeCloseTo(400, 0);
    expect(
      armResult(
        complete(scaleOut(0)).filter(({ type }) => type !== 'workload-end'),
        ARM,
      ).latency,
    ).toBeNull();
  });

  it('count failures by code, with an example', () => {
    const tamper = (call: Parameters<typeof unanswered>[0]) =>
      call.seq >= 11_900 && call.source === 'client-2' ? unanswered(call) : call;
    const { failures, after } = armResult(complete(scaleOut(0, { tamper })), ARM);
    expect(failures).toEqual([
      { code: 'UNAVAILABLE', count: 100, message: 'Connection dropped', client: 'client-2' },
    ]);
    expect(after.unanswered).toBe(100);
  });

  it('have null for what did not happen', () => {
    const idle = armResult(complete(scaleOut(undefined)), ARM);
    expect(idle.newPods.map(({ firstCallMs }) => firstCallMs)).toEqual(Array(5).fill(null));
    expect(idle.evenMs).toBeNull();
    const nothing = armResult([], ARM);
    expect(nothing).toMatchObject({ calls: 0, latency: null, newPods: [], leavingPods: [], evenMs: null });
  });

  it('have the way out of each pod that leaves', () => {
    const { leavingPods, newPods } = armResult(complete(scaleIn(500)), ARM);
    expect(newPods).toEqual([]);
    expect(leavingPods.map(({ pod }) => pod).sort()).toEqual(PODS);
    expect(leavingPods[0]).toMatchObject({
      terminatingMs: 1000,
      outOfEndpointSliceMs: 1100,
      outOfDnsMs: 1300,
      goneMs: 10_000,
    });
  });
});

const OUT = SCALED_OUT;
const IN = complete(
  scaleIn(500, {
    tamper: (call) => (call.seq === 2300 ? unanswered(call, 'UNAVAILABLE', LONG) : call),
  }),
);
const pipe = new PassThrough() as unknown as NodeJS.WriteStream;

describe('the summary', () => {
  beforeEach(() => {
    vi.stubEnv('FORCE_COLOR', undefined);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each([
    ['pass', OUT],
    ['fail', IN],
    ['unknown', OUT],
  ] as const)('of a run with %s fits into 80 columns, and is plain in a pipe', (verdict, history) => {
    const text = summarise(documentOf(verdict, history), pipe);
    expect(text).not.toContain('\x1b');
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(text).toContain(`${verdict.toUpperCase()}  Do replicas`);
  });

  it('has the tables that an experiment adds', () => {
    const tables = [
      {
        title: 'Calls that succeeded',
        columns: ['', 'failing'],
        rows: [
          ['none', '70.0%'],
          ['retry', '97.3%'],
        ],
      },
    ];
    const text = summarise({ ...documentOf('pass', OUT), tables }, pipe);
    expect(text).toMatch(/Calls that succeeded\n +failing +\n none +70\.0% +\n retry +97\.3% +\n/);
  });

  it('has colours where they are wanted', () => {
    vi.stubEnv('NO_COLOR', undefined);
    vi.stubEnv('FORCE_COLOR', '1');
    expect(summarise(documentOf('pass', OUT), pipe)).toContain('\x1b[32m');
  });

  it('shows each new pod step by step, and the shares', () => {
    const text = summarise(documentOf('pass', OUT), pipe);
    expect(text).toMatch(/new pod \(s\) +Ready +in slice +in DNS +resolved +first call +even/);
    expect(text).toMatch(/…ver-6 +2\.00 +2\.10 +2\.30 +4\.98 +5\.0\d +\d+\.\d\d/);
    expect(text).toMatch(/before +5 pods called, 20\.0% to 20\.0% each, 3600 calls$/m);
    expect(text).toMatch(/after +10 pods called, 10\.0% to 10\.0% each, 4000 calls$/m);
    expect(text).toMatch(/latency p50 2\.0 ms, p99 400\.\d ms/);
  });

  it('shows each leaving pod, and what failed', () => {
    const text = summarise(documentOf('fail', IN), pipe);
    expect(text).toMatch(/leaving \(s\) +told +out of slice +out of DNS +last call +gone +even/);
    expect(text).toMatch(/…ver-6 +1\.00 +1\.10 +1\.30 +1\.\d\d +10\.00/);
    expect(text).toMatch(/2 × UNAVAILABLE: a sentence/);
  });

  it('gives reasons unless it has passed', () => {
    expect(summarise(documentOf('fail', OUT), pipe).split('FAIL')[1]).toContain('treatment: a sentence');
    expect(summarise(documentOf('pass', OUT), pipe).split('PASS')[1]).not.toContain('a sentence');
    expect(describeRun(documentOf('pass', OUT))).toBe(
      `pass after 1m05s: .lab/runs/test-${process.pid}/report.html`,
    );
  });
});

describe('the run folder', () => {
  it('has a document that its schema accepts, the history, and further files', async () => {
    const document = documentOf('fail', OUT);
    const folder = runFolder(document.id);
    try {
      const manifests = [{ kind: 'Service' }, { kind: 'Deployment' }];
      const extra = { 'logs/server-1.log': 'boom\n', 'events.ndjson': '{}\n' };
      expect(await writeRun({ document, history: OUT, manifests, extra })).toBe(folder);
      const read = (file: string) => readFile(join(folder, file));
      const written = RunDocument.parse(JSON.parse((await read('run.json')).toString()));
      expect(written).toMatchObject({ verdict: 'fail', parameters: { from: 5, to: 10 } });
      const lines = gunzipSync(await read('history.ndjson.gz'))
        .toString()
        .trimEnd()
        .split('\n');
      expect(lines).toHaveLength(OUT.length);
      expect(JSON.parse(lines.at(-1) ?? '')).toEqual(OUT.at(-1));
      expect((await read('manifests.yaml')).toString()).toBe('kind: Service\n---\nkind: Deployment\n');
      expect((await read('logs/server-1.log')).toString()).toBe('boom\n');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('says what a document lacks', () => {
    const { verdict: _, ...rest } = documentOf('pass', OUT);
    expect(RunDocument.safeParse(rest).error?.issues).toMatchObject([{ path: ['verdict'] }]);
    expect(RunDocument.safeParse({ ...rest, verdict: 'maybe' }).success).toBe(false);
  });
});
