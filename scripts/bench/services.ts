// The services as processes on the machine at hand, driven over their control endpoints.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { TOKEN_HEADER, type WorkloadRequest, type WorkloadStatus } from '../../services/protocol/index.ts';
import { LabError } from '../common/errors.ts';
import { waitFor } from '../common/wait.ts';

const TOKEN = 'bench';
export const RUN_MS = 10_000;

/** Runs one workload while its events are read, as in a run. */
export async function runWorkload(control: string, spec: WorkloadRequest): Promise<WorkloadStatus> {
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
export async function startService(
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

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
