// grpc-kit's own figures: what it costs beside bare grpc-js, what an update of a thousand endpoints costs, and whether
// closed clients leave anything behind.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { median } from 'simple-statistics';
import type { WorkloadRequest } from '../../services/protocol/index.ts';
import { ROOT } from '../cluster/index.ts';
import { RETRY_UNAVAILABLE } from '../experiments/index.ts';
import { percent, print, runWorkload, startService } from './services.ts';

const RATE = 1000;

/** Prints the CPU per call over bare grpc-js in alternating pairs, and the other two. */
export async function benchKit(pairs: number, signal: AbortSignal): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'grpc-kind-lab-bench-'));
  try {
    await execa(process.execPath, [join(ROOT, 'services/build.ts'), dir]);
    await using server = await startService(dir, 'greeter-server', 1, signal);
    const target = `dns:///127.0.0.1:${server.ports.grpcPort}`;
    await overhead(dir, target, pairs, signal);
    const cycles = await execa(
      process.execPath,
      ['--expose-gc', join(ROOT, 'services/grpc-kit/bench/cycles.ts'), target],
      { cancelSignal: signal },
    );
    print(`clients made, used and closed: ${cycles.stdout}`);
    const update = await execa(process.execPath, [join(ROOT, 'services/grpc-kit/bench/update.ts')], {
      cancelSignal: signal,
    });
    print(`an update of many endpoints, in CPU time: ${update.stdout}`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * Each in a process of its own, whose first run is not counted: young code is slow, and in one process each would be
 * measured with the garbage of the other.
 */
async function overhead(dir: string, target: string, pairs: number, signal: AbortSignal): Promise<void> {
  const perCall = async (stack: NonNullable<WorkloadRequest['stack']>) => {
    await using client = await startService(dir, 'greeter-client', 0, signal);
    const spec: WorkloadRequest = {
      id: 'bench',
      target,
      stack,
      retry: RETRY_UNAVAILABLE,
      ratePerSecond: RATE,
      record: false,
    };
    await runWorkload(client.control, spec);
    const { cpuMs, ended } = await runWorkload(client.control, spec);
    return cpuMs / ended;
  };
  const shares: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    signal.throwIfAborted();
    const kitFirst = pair % 2 === 0;
    const first = await perCall(kitFirst ? 'kit' : 'grpc-js');
    const second = await perCall(kitFirst ? 'grpc-js' : 'kit');
    const [kit, bare] = kitFirst ? [first, second] : [second, first];
    shares.push(kit / bare - 1);
    print(
      `${RATE} calls/s: kit ${(kit * 1000).toFixed(0)} µs, grpc-js ${(bare * 1000).toFixed(0)} µs a call`,
    );
  }
  print(`grpc-kit over bare grpc-js: ${percent(median(shares))} of CPU per call (median of ${pairs} pairs)`);
}
