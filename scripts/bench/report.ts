// What the page of a long run costs: 2 000 calls a second for ten minutes.
import { createWriteStream } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { execa } from 'execa';
import { ROOT } from '../cluster/index.ts';
import type { Call, HistoryEvent } from '../history/index.ts';
import { type RunDocument, runFolder } from '../report/index.ts';
import { print } from './services.ts';

const RATE = 2000;
const MINUTES = 10;
const PODS = 10;

/** Makes the page in a process of its own, and prints its time, its memory and the size of the page. */
export async function benchReport(times: number, signal: AbortSignal): Promise<void> {
  const id = `bench-${process.pid}`;
  const folder = runFolder(id);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'run.json'), JSON.stringify(documentOf(id)));
    const lines = Readable.from(linesOf(history()));
    await pipeline(lines, createGzip(), createWriteStream(join(folder, 'history.ndjson.gz')), { signal });
    for (let time = 0; time < times; time += 1) {
      const startedMs = performance.now();
      const { stdout } = await execa(
        process.execPath,
        [
          '--input-type=module',
          '--eval',
          `const { readRun, writeReport } = await import(${JSON.stringify(join(ROOT, 'scripts/report/index.ts'))});
           await writeReport(await readRun(${JSON.stringify(id)}));
           console.log(process.resourceUsage().maxRSS);`,
        ],
        { cancelSignal: signal },
      );
      const seconds = (performance.now() - startedMs) / 1000;
      const { size } = await stat(join(folder, 'report.html'));
      print(
        `the page of ${(RATE * MINUTES * 60).toLocaleString('en-US')} calls: ${seconds.toFixed(1)} s, ` +
          `${(Number(stdout) / 1024).toFixed(0)} MiB at most, ${(size / 1e6).toFixed(2)} MB`,
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function* history(): Generator<HistoryEvent> {
  yield { type: 'mark', name: 'baseline', atMs: 0, source: 'driver' };
  const calls = RATE * MINUTES * 60;
  for (let seq = 0; seq < calls; seq += 1) {
    const pod = seq % PODS;
    const call: Call = {
      type: 'call',
      arm: 'bench',
      source: `greeter-client-bench-${seq % 2}`,
      seq,
      atMs: (seq * 1000) / RATE,
      sourceMs: (seq * 1000) / RATE,
      lateMs: 0.1,
      latencyMs: 1 + (seq % 97) / 10,
      code: seq % 5000 === 0 ? 'UNAVAILABLE' : 'OK',
      pod: `greeter-server-bench-6d5f7c9b8-pod${pod}`,
      peer: `10.244.1.${pod}:50051`,
      previousAttempts: 0,
    };
    yield call;
  }
  yield { type: 'mark', name: 'end', atMs: MINUTES * 60_000, source: 'driver' };
}

function* linesOf(events: Iterable<HistoryEvent>): Generator<string> {
  let text = '';
  for (const event of events) {
    text += `${JSON.stringify(event)}\n`;
    if (text.length < 100_000) continue;
    yield text;
    text = '';
  }
  yield text;
}

const documentOf = (id: string): RunDocument => ({
  verdict: 'pass',
  reasons: [],
  experiment: 'bench',
  question: 'What does the page of a long run cost?',
  id,
  startedAt: new Date(0).toISOString(),
  durationMs: MINUTES * 60_000,
  command: 'npm run bench report',
  parameters: {},
  prediction: '',
  provider: 'none',
  versions: {},
  findings: [],
  arms: [
    {
      arm: 'bench',
      calls: RATE * MINUTES * 60,
      failures: [],
      latency: null,
      before: { calls: 0, byPod: {}, unanswered: 0 },
      after: { calls: 0, byPod: {}, unanswered: 0 },
      newPods: [],
      leavingPods: [],
      evenMs: null,
    },
  ],
  tables: [],
  plots: [],
  clockErrorMs: null,
});
