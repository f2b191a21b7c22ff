// Whether clients that are made, used and closed leave anything behind. Run with --expose-gc and the port of a greeter on
// 127.0.0.1. One JSON line on stdout for each kind of target: heap in MiB and open resources after a tenth, half and all
// of the cycles.
import dns from 'node:dns';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GreeterService } from '../../gen/greet.ts';
import { createClient } from '../src/index.ts';

const CYCLES = 10_000;
const [port = ''] = process.argv.slice(2);
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

/** As much of the Kubernetes API as a watch of one EndpointSlice asks for. @returns its kubeconfig's content, and how to end it. */
async function fakeApi() {
  const slice = {
    metadata: { name: 'greeter-1', resourceVersion: '1' },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: Number(port) }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
  };
  const list = JSON.stringify({ metadata: { resourceVersion: '1' }, items: [slice] });
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    if (request.url?.includes('watch=true')) response.flushHeaders();
    else response.end(list);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeconfig = JSON.stringify({
    'current-context': 'fake',
    clusters: [{ name: 'fake', cluster: { server: url } }],
    users: [{ name: 'fake', user: {} }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
  });
  return { kubeconfig, close: () => server.close() };
}

async function cyclesOf(target: string, kubeconfig: string): Promise<Footprint[]> {
  const footprints: Footprint[] = [];
  for (let cycle = 1; cycle <= CYCLES; cycle += 1) {
    // Options that differ: each is a channel of its own in a registry of shared ones.
    const client = createClient(GreeterService, target, {
      metadata: { cycle: `${cycle}` },
      idleMs: 100_000 + cycle,
      kubernetes: { kubeconfig },
    });
    await client.sayHello({ name: '' }, { waitForReady: true });
    await client.close();
    if (cycle === CYCLES / 10 || cycle === CYCLES / 2 || cycle === CYCLES) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      footprints.push(footprint(cycle));
    }
  }
  return footprints;
}

// An answer at once: the machine's own resolver would take most of the time.
dns.promises.lookup = (async () => [{ address: '127.0.0.1', family: 4 }]) as never;
dns.promises.resolve4 = (async () => [{ address: '127.0.0.1', ttl: 30 }]) as never;
dns.promises.resolve6 = (async () => []) as never;

const dir = await mkdtemp(join(tmpdir(), 'grpc-kit-cycles-'));
const api = await fakeApi();
const kubeconfig = join(dir, 'kubeconfig');
await writeFile(kubeconfig, api.kubeconfig);
for (const target of [
  `dns:///127.0.0.1:${port}`,
  `dns-poll:///greeter:${port}`,
  'kubernetes:///greeter.default:grpc',
]) {
  process.stdout.write(`${target}: ${JSON.stringify(await cyclesOf(target, kubeconfig))}\n`);
}
api.close();
await rm(dir, { recursive: true });
