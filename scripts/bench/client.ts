// The load generator on one core, against a server on another: does it hold its rate, and what does recording cost?
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { mean, median } from 'simple-statistics';
import type { WorkloadStatus } from '../../services/protocol/index.ts';
import { ROOT } from '../cluster/index.ts';
import { percent, print, RUN_MS, runWorkload, startService } from './services.ts';

const DEFAULT_RATE = 200;
const HIGH_RATE = 2000;

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
