// Whether clients that are made, used and closed leave anything behind. Run with --expose-gc and the address of a
// greeter. One JSON line on stdout: heap in MiB and open resources after the first tenth and at the end.
import { GreeterService } from '../../gen/greet.ts';
import { createClient } from '../src/index.ts';

const CYCLES = 10_000;
const [target = ''] = process.argv.slice(2);
const collectGarbage = globalThis.gc;
if (collectGarbage === undefined) throw new Error('run with --expose-gc');

type Footprint = { cycles: number; heapMiB: number; resources: Record<string, number> };

function footprint(cycles: number): Footprint {
  collectGarbage?.();
  const resources = Map.groupBy(process.getActiveResourcesInfo(), (name) => name);
  return {
    cycles,
    heapMiB: Number((process.memoryUsage().heapUsed / 2 ** 20).toFixed(2)),
    resources: Object.fromEntries([...resources].map(([name, all]) => [name, all.length])),
  };
}

const footprints: Footprint[] = [];
for (let cycle = 1; cycle <= CYCLES; cycle += 1) {
  // Options that differ: each is a channel of its own in a registry of shared ones.
  const client = createClient(GreeterService, target, {
    metadata: { cycle: `${cycle}` },
    idleMs: 100_000 + cycle,
  });
  await client.sayHello({ name: '' });
  await client.close();
  if (cycle === CYCLES / 10 || cycle === CYCLES / 2 || cycle === CYCLES) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    footprints.push(footprint(cycle));
  }
}
process.stdout.write(`${JSON.stringify(footprints)}\n`);
