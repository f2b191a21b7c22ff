// What clients that watch EndpointSlices cost the API server, while pods come and go: its own metrics.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Table from 'cli-table3';
import { execa } from 'execa';
import { median } from 'simple-statistics';
import { type ClusterApi, labNamed, type ProviderChoice, ROOT } from '../cluster/index.ts';
import { LabError } from '../common/errors.ts';
import { waitFor } from '../common/wait.ts';
import { scaleFault } from '../faults/index.ts';
import { LAB, onStage } from './on-stage.ts';
import { print } from './services.ts';

const ARM = 'watched';
const FROM = 2;
const CHANGES = 8;
const COUNTS = [0, 1, 100];

type Metrics = { cpuS: number; memoryMiB: number; events: number };
type Sample = { watchers: number; seconds: number } & Metrics;

/**
 * Prints a table: CPU, memory and watch events of the API server, by number of watching clients; medians of so many
 * rounds, each of which has all counts. Needs kind.
 */
export async function benchWatchers(
  rounds: number,
  signal: AbortSignal,
  provider: ProviderChoice,
): Promise<void> {
  const samples: Sample[] = [];
  const serverEnv = { GRPC_MAX_CONNECTION_AGE_MS: undefined, DRAIN_DELAY_MS: '500' };
  await onStage(
    [{ name: ARM, servers: FROM, clients: 0, serverEnv }],
    async (stage) => {
      for (const watchers of Array.from({ length: rounds }, () => COUNTS).flat()) {
        await using _running = await startWatchers(watchers, signal);
        await delay(5000, undefined, { signal });
        const before = await metricsOf(stage.api);
        const startedMs = performance.now();
        for (let change = 0; change < CHANGES; change += 1) {
          const [from, to] = change % 2 === 0 ? [FROM, FROM + 1] : [FROM + 1, FROM];
          const deployment = `greeter-server-${ARM}`;
          await stage.inject([scaleFault(stage.api, { arm: ARM, deployment, from, to })], to);
        }
        const after = await metricsOf(stage.api);
        samples.push({
          watchers,
          seconds: (performance.now() - startedMs) / 1000,
          cpuS: after.cpuS - before.cpuS,
          memoryMiB: after.memoryMiB,
          events: after.events - before.events,
        });
      }
    },
    signal,
    provider,
  );
  const table = new Table({
    head: ['watching clients', 'CPU of the API server', 'its memory', 'EndpointSlice events sent'],
    style: { head: [], border: [] },
  });
  for (const watchers of COUNTS) {
    const own = samples.filter((sample) => sample.watchers === watchers);
    const range = (of: (sample: Sample) => number, digits: number) => {
      const values = own.map(of).sort((a, b) => a - b);
      const [least = 0, most = 0] = [values[0], values.at(-1)];
      return `${median(values).toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
    };
    table.push([
      watchers,
      `${range(({ cpuS, seconds }) => (100 * cpuS) / seconds, 1)} % of a core`,
      `${range(({ memoryMiB }) => memoryMiB, 0)} MiB`,
      `${range(({ events, seconds }) => events / seconds, 1)} a second`,
    ]);
  }
  print(`${CHANGES} changes of one pod each, ${rounds} rounds: median (least–most)\n${table.toString()}`);
}

async function startWatchers(count: number, signal: AbortSignal): Promise<AsyncDisposable> {
  if (count === 0) return { [Symbol.asyncDispose]: async () => {} };
  const child = execa(
    process.execPath,
    [
      join(ROOT, 'services/grpc-kit/bench/watchers.ts'),
      `${count}`,
      `kubernetes:///greeter-headless-${ARM}.grpc-kind-lab:grpc`,
      labNamed(LAB).kubeconfig,
    ],
    { cancelSignal: signal, reject: false },
  );
  let printed = '';
  let ended: string | undefined;
  void child.then(({ stderr }) => {
    ended = stderr;
  });
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  await waitFor(
    `${count} clients to watch`,
    async () => {
      if (ended !== undefined) throw new LabError('failed', `the watching clients ended: ${ended}`);
      return printed.includes('watching') ? { done: undefined } : { waiting: printed || 'silence' };
    },
    { timeoutMs: 60_000, intervalMs: 100, signal },
  );
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await child;
    },
  };
}

/** The API server's own metrics. Source: Kubernetes Metrics Reference, kube-apiserver. */
async function metricsOf({ kubeConfig }: ClusterApi): Promise<Metrics> {
  const file = labNamed(LAB).kubeconfig;
  const { stdout } = await execa('kubectl', ['--kubeconfig', file, 'get', '--raw', '/metrics']);
  const sum = (pattern: RegExp): number =>
    stdout.split('\n').reduce((total, line) => total + Number(pattern.exec(line)?.[1] ?? 0), 0);
  const cpuS = sum(/^process_cpu_seconds_total (\S+)$/);
  if (cpuS === 0) {
    throw new LabError('usage', `the API server of ${kubeConfig.currentContext} has no metrics`, {
      hint: 'This bench needs a lab on kind.',
    });
  }
  return {
    cpuS,
    memoryMiB: sum(/^process_resident_memory_bytes (\S+)$/) / 2 ** 20,
    // The label's name has changed between versions of Kubernetes, what it names has not.
    events: sum(/^apiserver_watch_events_total\{.*endpointslice.*\} (\S+)$/i),
  };
}
