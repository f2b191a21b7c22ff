// grpc-kit's own figures: what it costs beside bare grpc-js, what an update of a thousand endpoints costs, and whether
// closed clients leave anything behind.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { median } from 'simple-statistics';
import { ROOT } from '../cluster/index.ts';
import { percent, print, startService } from './services.ts';

/** Prints the CPU per call over bare grpc-js in alternating pairs, and the other two. */
export async function benchKit(pairs: number, signal: AbortSignal): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'grpc-kind-lab-bench-'));
  try {
    await execa(process.execPath, [join(ROOT, 'services/build.ts'), dir]);
    await using server = await startService(dir, 'greeter-server', 1, signal);
    const target = `dns:///127.0.0.1:${server.ports.grpcPort}`;
    await overhead(target, pairs, signal);
    const cycles = join(ROOT, 'services/grpc-kit/bench/cycles.ts');
    const args = ['--expose-gc', cycles, `${server.ports.grpcPort}`];
    for await (const line of execa(process.execPath, args, { cancelSignal: signal }))
      print(`clients made, used and closed: ${line}`);
    const update = await execa(process.execPath, [join(ROOT, 'services/grpc-kit/bench/update.ts')], {
      cancelSignal: signal,
    });
    print(`an update of many endpoints, in CPU time: ${update.stdout}`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function overhead(target: string, pairs: number, signal: AbortSignal): Promise<void> {
  const program = join(ROOT, 'services/grpc-kit/bench/overhead.ts');
  const about = { paced: '1000 calls/s', busy: 'as fast as it goes' };
  const measured: Measured[] = [];
  const args = ['--expose-gc', program, target, `${pairs}`];
  for await (const line of execa(process.execPath, args, { cancelSignal: signal })) {
    const each = JSON.parse(line) as Measured;
    measured.push(each);
    const [kit, bare, control] = [each.kitUs, each.bareUs, each.controlUs].map((us) => us.toFixed(0));
    print(`${about[each.load]}: kit ${kit} µs, grpc-js ${bare} and ${control} µs of CPU a call`);
  }
  for (const load of ['paced', 'busy'] as const) {
    const ofLoad = measured.filter((each) => each.load === load);
    const kit = ofLoad.map(({ kitUs, bareUs }) => kitUs / bareUs - 1);
    const control = ofLoad.map(({ controlUs, bareUs }) => controlUs / bareUs - 1);
    print(
      `grpc-kit over bare grpc-js, ${about[load]}: ${describe(kit)}; grpc-js over itself: ${describe(control)}`,
    );
  }
}

/** CPU per call, in microseconds. */
type Measured = { load: 'paced' | 'busy'; kitUs: number; bareUs: number; controlUs: number };

const describe = (shares: readonly number[]): string =>
  `${percent(median([...shares]))} of CPU per call (median of ${shares.length} pairs, ` +
  `${percent(Math.min(...shares))} to ${percent(Math.max(...shares))})`;
