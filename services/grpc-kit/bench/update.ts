// What an update of a thousand endpoints costs a client that is connected to all of them: from the text of a watch
// event to the new picker, one endpoint more or less each time. What waits on the way does not wait here. One JSON line
// on stdout: `{ endpoints, slices, updates, published, firstMs, medianMs, p99Ms }`, in milliseconds of this process's
// CPU time.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { connectivityState, Server, ServerCredentials } from '@grpc/grpc-js';
import { GreeterService } from '../../gen/greet.ts';
import {
  type GrpcUri,
  LOCALITIES,
  type ResolverListener,
  registerResolver,
  statusOrFromValue,
} from '../src/grpc-experimental.ts';
import { createClient } from '../src/index.ts';
import { type EndpointSlice, findEndpoints } from '../src/resolver/kubernetes/endpoints.ts';
import { createPublisher } from '../src/resolver/kubernetes/publisher.ts';

const ENDPOINTS = 1000;
const SLICES = 12;
const UPDATES = 300;

if (process.send) serveAll();
else await measure();

/** One server behind all addresses of 127.0.0.0/8, in a process of its own. */
function serveAll(): void {
  const server = new Server();
  server.addService(GreeterService, {
    sayHello: (_call: unknown, callback: (error: null, reply: object) => void) =>
      callback(null, { message: '' }),
  });
  server.bindAsync('0.0.0.0:0', ServerCredentials.createInsecure(), (_error, port) => process.send?.(port));
}

async function measure(): Promise<void> {
  const child = fork(import.meta.filename);
  const [port] = (await once(child, 'message')) as [number];
  let listener: ResolverListener | undefined;
  registerResolver(
    'bench',
    class {
      constructor(_target: GrpcUri, given: ResolverListener) {
        listener = given;
      }
      updateResolution(): void {}
      destroy(): void {}
      static getDefaultAuthority = (): string => 'bench';
    },
  );
  const client = createClient(GreeterService, 'bench:///greeter', {
    policy: 'prefer_same_node',
    locality: { node: 'node-1' },
  });
  const [channel] = client.channels;
  channel?.getConnectivityState(true);

  const slices = Array.from({ length: SLICES }, (_, index) => sliceOf(index, port));
  let published = 0;
  const publisher = createPublisher(
    (resolution) => {
      if (!resolution.ok) throw new Error(resolution.problem);
      published += 1;
      listener?.(statusOrFromValue(resolution.endpoints), { [LOCALITIES]: resolution.localities }, null, '');
    },
    { holdMs: 0, spacingMs: 0 },
  );
  const update = (index: number): number => {
    const text = JSON.stringify(sliceOf(index % SLICES, port, index));
    const before = process.cpuUsage();
    slices[index % SLICES] = JSON.parse(text) as EndpointSlice;
    publisher.update({ ok: true, ...findEndpoints(slices, port), note: '' });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const firstMs = update(0);
  await allConnected(client);
  const costs: number[] = [];
  for (let index = 1; index <= UPDATES; index += 1) {
    costs.push(update(index));
    // What the update set off, connecting to a new endpoint, is not part of the next.
    await delay(20);
  }
  costs.sort((a, b) => a - b);
  const at = (share: number): number => Number((costs[Math.floor(costs.length * share)] ?? 0).toFixed(3));
  const state = connectivityState[channel?.getConnectivityState(false) ?? connectivityState.SHUTDOWN];
  process.stdout.write(
    `${JSON.stringify({ endpoints: ENDPOINTS, slices: SLICES, updates: UPDATES, published, state, firstMs, medianMs: at(0.5), p99Ms: at(0.99) })}\n`,
  );
  publisher.close();
  await client.close();
  child.kill();
}

async function allConnected(client: {
  sayHello: (request: { name: string }) => Promise<unknown>;
}): Promise<void> {
  await client.sayHello({ name: '' });
  await delay(5000);
}

/** A slice as the API gives it; from one time that it is given to the next, one endpoint of it comes or goes. */
function sliceOf(index: number, port: number, version = 0): EndpointSlice {
  const count = Math.ceil(ENDPOINTS / SLICES);
  const endpoints = Array.from({ length: count }, (_, place) => {
    const number = index * count + place;
    return {
      addresses: [`127.1.${Math.floor(number / 250)}.${1 + (number % 250)}`],
      conditions: {
        ready: place > 0 || Math.floor(version / SLICES) % 2 === 0,
        serving: true,
        terminating: false,
      },
      nodeName: `node-${number % 20}`,
      zone: `zone-${number % 3}`,
      targetRef: { kind: 'Pod', name: `greeter-${number}`, uid: `uid-${number}` },
    };
  });
  return {
    metadata: { name: `greeter-${index}`, uid: `slice-${index}`, resourceVersion: `${version}` },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'grpc', port, protocol: 'TCP' }],
  } as EndpointSlice;
}
