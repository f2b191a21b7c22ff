// The load generator on one core, against a server on another: does it hold its rate, and what does recording cost?
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { mean, median } from 'simple-statistics';
import { TOKEN_HEADER, type WorkloadRequest, type WorkloadStatus } from '../../services/protocol/index.ts';
import { ROOT } from '../cluster/index.ts';
import { LabError } from '../common/errors.ts';
import { waitFor } from '../common/wait.ts';

const TOKEN = 'bench';
const DEFAULT_RATE = 200;
const HIGH_RATE = 2000;
const RUN_MS = 10_000;

/** Prints whether 2 000 calls a second are held, and the share of the client's CPU that recording takes. */
export async function benchClient(pairs: number, signal: AbortSignal): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'grpc-kind-lab-bench-'));
  try {
    await execa(process.execPath, [join(ROOT, 'services/build.ts'), dir]);
    await using server = await startService(dir, 'greeter-server', 1, signal);
    await using client = await startService(dir, 'greeter-client', 0, signal);
    const target = `dns:///127.0.0.1:${server.ports.grpcPort}`;
    const measure = (ratePerSecond: number, record: boolean) =>
      runWorkload(client.control, { id: 'bench', target, ratePerSecond, record });

    for (const rate of [HIGH_RATE, DEFAULT_RATE]) {
      await measure(rate, true);
      const shares: number[] = [];
      for (let pair = 1; pair <= pairs; pair += 1) {
        signal.throwIfAborted();
        const [off, on] = [await measure(rate, false), await measure(rate, true)];
        shares.push(1 - off.cpuMs / off.ended / (on.cpuMs / on.ended));
        if (rate === HIGH_RATE) print(describe(on));
      }
      print(
        `recording at ${rate} calls/s: ${percent(median(shares))} of the client's CPU ` +
          `(median of ${pairs} pairs, mean ${percent(mean(shares))})`,
      );
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function describe({ due, started, ended, codes, latency, lateness, cpuMs }: WorkloadStatus): string {
  return (
    `${HIGH_RATE} calls/s on one core: ${started} of ${due} due calls started, ${codes.OK ?? 0} of ${ended} OK, ` +
    `${percent(cpuMs / RUN_MS)} of the core; late p99 ${lateness.p99Ms.toFixed(1)} ms; latency from the intended start ` +
    `p50 ${latency.p50Ms.toFixed(1)} ms, p99 ${latency.p99Ms.toFixed(1)} ms`
  );
}

/** Runs one workload while its events are read, as in a run. */
async function runWorkload(control: string, spec: WorkloadRequest): Promise<WorkloadStatus> {
  const headers = { [TOKEN_HEADER]: TOKEN, 'content-type': 'application/json' };
  const reading = new AbortController();
  const read = fetch(`${control}/events`, { headers, signal: reading.signal }).then(async (response) => {
    for await (const _ of response.body ?? []);
  });
  read.catch(() => {});
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${control}${path}`, {
      method,
      headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new LabError('failed', `${method} ${path}: ${await response.text()}`);
    return response.json();
  };
  await ask('POST', '/workloads', spec);
  await delay(RUN_MS);
  const status = (await ask('DELETE', `/workloads/${spec.id}`)) as WorkloadStatus;
  reading.abort();
  return status;
}

type Running = { control: string; ports: { grpcPort?: number; controlPort: number } } & AsyncDisposable;

/** A service's bundle as a process on one core, where there is taskset. */
async function startService(
  dir: string,
  service: string,
  core: number,
  signal: AbortSignal,
): Promise<Running> {
  const pin = process.platform === 'linux' ? ['taskset', '--cpu-list', `${core}`] : [];
  const [file = '', ...args] = [...pin, process.execPath, join(dir, service, 'main.js')];
  const child = execa(file, args, {
    env: { LAB_TOKEN: TOKEN, GRPC_PORT: '0', CONTROL_PORT: '0', BIND_ADDRESS: '127.0.0.1' },
    cancelSignal: signal,
    reject: false,
    buffer: false,
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const ports = await waitFor(
    `${service} to listen`,
    async () => {
      const line = printed.split('\n').find((each) => each.includes('"listening"'));
      return line ? { done: JSON.parse(line) as Running['ports'] } : { waiting: printed || 'silence' };
    },
    { timeoutMs: 10_000, intervalMs: 50 },
  );
  return {
    ports,
    control: `http://127.0.0.1:${ports.controlPort}`,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await child;
    },
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
