import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unservablePorts } from '../../../scripts/cluster/embedded/cluster-ip.ts';
import { hasEndpoints, usableEndpoints } from '../../../scripts/cluster/embedded/network/endpoints.ts';
import { type ClusterProxy, startProxy } from '../../../scripts/cluster/embedded/network/index.ts';
import type { Service } from '../../../scripts/cluster/embedded/objects.ts';
import type { Store } from '../../../scripts/cluster/embedded/store.ts';
import { eventually } from '../../support/eventually.ts';
import {
  endpoint,
  GRPC,
  leaving,
  NS,
  notReady,
  putNode,
  putPod,
  putService,
  putSlice,
  testStore,
} from './network-objects.ts';

const VIRTUAL = '127.202.240.20';
const LATER = '127.202.240.21';
const PORT = GRPC.port;
const podIp = (index: number) => `127.202.17.${index}`;
const CLIENT = '127.202.18.1';

let store: Store;
let proxy: ClusterProxy;
let logged: string[];
let servers: Server[];
let sockets: Set<Socket>;

beforeEach(() => {
  store = testStore();
  logged = [];
  servers = [];
  sockets = new Set();
  proxy = startProxy({ store, log: (text) => logged.push(text) });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  await proxy.stop();
});

const keep = (socket: Socket): Socket => {
  sockets.add(socket);
  return socket.on('error', () => {});
};

/** A pod's server. @param serve says its address by default, and echoes what it hears. */
async function listen(
  host: string,
  serve = (socket: Socket): void => {
    socket.write(`${host} `);
    socket.pipe(socket);
  },
  port = PORT,
): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(keep(socket)));
  servers.push(server);
  server.listen({ host, port });
  await once(server, 'listening');
  return server;
}

const dial = (host = VIRTUAL, port = PORT, localAddress = CLIENT): Socket =>
  keep(connect({ host, port, localAddress, allowHalfOpen: true }));

/** The address that a server says, or the error's code. */
async function said(socket: Socket): Promise<string> {
  try {
    const [chunk] = await once(socket, 'data');
    return String(chunk).trim();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** Who answers a new connection. */
async function call(host = VIRTUAL, port = PORT, from = CLIENT): Promise<string> {
  const socket = dial(host, port, from);
  const answer = await said(socket);
  socket.destroy();
  return answer;
}

async function callUntil(expected: string, from = CLIENT): Promise<void> {
  let last = '';
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; ) {
    last = await call(VIRTUAL, PORT, from);
    if (last === expected) return;
  }
  expect.fail(`not ${expected} within 10s, but ${last}`);
}

/** Until there is a listener at the virtual address. */
async function untilListening(port = PORT): Promise<void> {
  for (let connected = false; !connected; ) {
    const socket = dial(VIRTUAL, port);
    connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
  }
}

const everythingRead = async (socket: Socket): Promise<Buffer> => Buffer.concat(await socket.toArray());

describe('which endpoints are usable', () => {
  const ready = endpoint('1');
  const gone = endpoint('2', notReady);
  const last = endpoint('3', leaving);
  const at = (address: string, nodeName: string, zone?: string, more = {}) =>
    endpoint(address, { nodeName, ...(zone ? { zone } : {}), ...more });
  const spread = [at('1', 'n1', 'a'), at('2', 'n2', 'a'), at('3', 'n3', 'b')];
  const n1 = { node: 'n1', zone: 'a' };
  const n4 = { node: 'n4', zone: 'b' };
  const n5 = { node: 'n5', zone: 'c' };
  const Local = { internalTrafficPolicy: 'Local' };
  const sameNode = { trafficDistribution: 'PreferSameNode' };
  const sameZone = { trafficDistribution: 'PreferSameZone' };
  const close = { trafficDistribution: 'PreferClose' };

  it.each([
    ['the ready ones', {}, [ready, gone, last], {}, '1'],
    [
      'ready when nothing is said',
      {},
      [{ addresses: ['1'] }, { addresses: ['2'], conditions: {} }],
      {},
      '1 2',
    ],
    ['those that leave, when none is ready', {}, [gone, last], {}, '3'],
    [
      'not those that leave and no longer serve',
      {},
      [endpoint('1', { conditions: { ...leaving.conditions, serving: false } })],
      {},
      '',
    ],
    ['none', {}, [gone], {}, ''],
    ['all, wherever they are', {}, spread, n1, '1 2 3'],
    ['Local: on the node', Local, spread, n1, '1'],
    ['Local: none on the node', Local, spread, n4, ''],
    ['Local: of nobody knows where', Local, spread, {}, ''],
    ['Local: one that leaves', Local, [at('1', 'n1', 'a', leaving), at('2', 'n2', 'a')], n1, '1'],
    ['same node', sameNode, spread, n1, '1'],
    ['same node, else same zone', sameNode, spread, n4, '3'],
    ['same node, else any', sameNode, spread, n5, '1 2 3'],
    ['same zone', sameZone, spread, n1, '1 2'],
    ['same zone, else any', sameZone, spread, n5, '1 2 3'],
    ['same zone: not ready there', sameZone, [at('1', 'n1', 'a', notReady), at('3', 'n3', 'b')], n1, '3'],
    ['same zone: of one the zone is not known', sameZone, [at('1', 'n1', 'a'), at('2', 'n2')], n1, '1 2'],
    ['same zone: all leave', sameZone, spread.map((each) => ({ ...each, ...leaving })), n1, '1 2 3'],
    ['close is the same zone', close, spread, n1, '1 2'],
    ['close, of nobody knows where', close, spread, {}, '1 2 3'],
  ])('%s', (_, spec, endpoints, client, expected) => {
    const service = putService(store, 's', { clusterIP: VIRTUAL, ...spec });
    const slices = [putSlice(store, 's', endpoints)];
    const usable = usableEndpoints(service, GRPC, slices, client);
    expect(usable.map(({ address }) => address).join(' ')).toBe(expected);
    expect(usable.every(({ port }) => port === PORT)).toBe(true);
    const some = endpoints.some((each) => each !== gone) && !_.includes('no longer serve');
    expect(hasEndpoints(GRPC, slices)).toBe(some);
  });

  it('of all slices, by the name of the port', () => {
    const http = { name: 'http', port: 80, protocol: 'TCP' };
    const service = putService(store, 's', { clusterIP: VIRTUAL, ports: [GRPC, http] });
    const slices = [
      putSlice(store, 's', [endpoint('1')], { ports: [GRPC, { ...http, port: 8080 }] }),
      putSlice(store, 's', [endpoint('2')], { name: 's-2', ports: [{ ...GRPC, port: 50052 }] }),
    ];
    expect(usableEndpoints(service, GRPC, slices)).toEqual([
      { address: '1', port: 50051 },
      { address: '2', port: 50052 },
    ]);
    expect(usableEndpoints(service, http, slices)).toEqual([{ address: '1', port: 8080 }]);
    expect(hasEndpoints({ port: 1, name: 'other' }, slices)).toBe(false);
  });

  it('leaves out ports that only root may listen on', () => {
    const ports = [{ port: 80 }, { port: 1023 }, { port: 1024 }];
    const service = (clusterIP: string): Service =>
      putService(store, `s${clusterIP.length}`, { clusterIP, ports });
    expect(unservablePorts(service(VIRTUAL))).toEqual([80, 1023]);
    expect(unservablePorts(service('None'))).toEqual([]);
  });
});

describe('connections to a ClusterIP', () => {
  it('go to each endpoint alike, at random', async () => {
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    const pods = [1, 2, 3, 4, 5].map(podIp);
    await Promise.all(pods.map((pod) => listen(pod)));
    putSlice(
      store,
      'greeter',
      pods.slice(0, 2).map((pod) => endpoint(pod)),
    );
    putSlice(
      store,
      'greeter',
      pods.slice(2).map((pod) => endpoint(pod)),
      { name: 'greeter-2' },
    );
    await callUntil(podIp(3));
    const counts = new Map(pods.map((pod) => [pod, 0]));
    for (let called = 0; called < 300; called += 1) {
      const pod = await call();
      counts.set(pod, (counts.get(pod) ?? 0) + 1);
    }
    expect([...counts.keys()]).toEqual(pods);
    const chiSquare = [...counts.values()].reduce((sum, seen) => sum + (seen - 60) ** 2 / 60, 0);
    // Four degrees of freedom: above 30 once in 200 000 runs; below 0.05 once in 3 000, which a strict turn would be.
    expect(chiSquare, JSON.stringify([...counts])).toBeLessThan(30);
    const inTurn = [...counts.values()].every((seen) => seen === 60);
    expect(inTurn).toBe(false);
  });

  it('come from the address of the client', async () => {
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    await listen(podIp(1), (socket) => socket.end(String(socket.remoteAddress)));
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    await callUntil(CLIENT);
    expect(await call(VIRTUAL, PORT, '127.202.18.77')).toBe('127.202.18.77');
  });

  it("go to the endpoint's own port", async () => {
    putService(store, 'greeter', {
      clusterIP: VIRTUAL,
      ports: [
        { ...GRPC, port: 8080 },
        { port: 8081, name: 'b' },
      ],
    });
    await listen(podIp(1));
    await listen(podIp(1), (socket) => socket.end('b'), 9000);
    putSlice(store, 'greeter', [endpoint(podIp(1))], { ports: [GRPC, { name: 'b', port: 9000 }] });
    await untilListening(8081);
    expect(await call(VIRTUAL, 8080)).toBe(podIp(1));
    expect(await call(VIRTUAL, 8081)).toBe('b');
    expect(await call(VIRTUAL, PORT)).toBe('ECONNREFUSED');
  });

  it('are refused while there is no endpoint, and when the Service is gone', async () => {
    await listen(podIp(1));
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    putSlice(store, 'greeter', [endpoint(podIp(1), notReady)]);
    await callUntil('ECONNREFUSED');
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    await callUntil(podIp(1));
    putSlice(store, 'greeter', []);
    await callUntil('ECONNREFUSED');
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    await callUntil(podIp(1));
    store.remove('endpointslices', NS, 'greeter-1');
    await callUntil('ECONNREFUSED');
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    await callUntil(podIp(1));
    store.remove('services', NS, 'greeter');
    await callUntil('ECONNREFUSED');
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    await callUntil(podIp(1));
    expect(logged).toEqual([]);
  });

  it('miss no change, however fast endpoints come and go', async () => {
    await listen(podIp(1));
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    for (let round = 0; round < 200; round += 1) {
      putSlice(store, 'greeter', round % 2 === 0 ? [] : [endpoint(podIp(1))]);
      // Some in one go, some while a listener opens or closes.
      if (round % 3 !== 0) await new Promise(round % 5 === 0 ? process.nextTick : setImmediate);
    }
    await callUntil(podIp(1));
    putSlice(store, 'greeter', []);
    await callUntil('ECONNREFUSED');
    expect(logged).toEqual([]);
  });

  it('stay when endpoints change, and when there is none any more', async () => {
    await listen(podIp(1));
    await listen(podIp(2));
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    await callUntil(podIp(1));
    const open = dial();
    expect(await said(open)).toBe(podIp(1));
    putSlice(store, 'greeter', [endpoint(podIp(2))]);
    await callUntil(podIp(2));
    open.write('one');
    expect(await said(open)).toBe('one');
    putSlice(store, 'greeter', []);
    await callUntil('ECONNREFUSED');
    open.write('two');
    expect(await said(open)).toBe('two');
    store.remove('services', NS, 'greeter');
    await callUntil('ECONNREFUSED');
    open.write('three');
    expect(await said(open)).toBe('three');
  });

  it('carry everything, both ways, at the pace of who reads', async () => {
    const bytes = randomBytes(2 * 2 ** 20);
    await listen(podIp(1), (socket) => {
      // Slow at first: what has been sent must wait.
      setTimeout(() => socket.pipe(socket), 50);
    });
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    await untilListening();
    const socket = dial();
    socket.end(bytes);
    expect((await everythingRead(socket)).equals(bytes)).toBe(true);
  });

  it('pass on that one side has said all, and the other goes on', async () => {
    await listen(podIp(1), (socket) => {
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      socket.on('end', () => socket.end(`heard ${heard}`));
    });
    await listen(podIp(2), (socket) => {
      socket.end('bye');
      socket.on('data', (chunk) => logged.push(`after bye: ${chunk}`));
    });
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    await untilListening();
    const first = dial();
    first.end('all');
    expect(String(await everythingRead(first))).toBe('heard all');

    putSlice(store, 'greeter', [endpoint(podIp(2))]);
    await callUntil('bye');
    const second = dial();
    second.resume();
    await once(second, 'end');
    second.write('still here');
    await eventually(
      () => logged.includes('after bye: still here'),
      () => logged,
    );
  });

  it('are reset when the server resets, and the other way round', async () => {
    const errors: unknown[] = [];
    await listen(podIp(1), (socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
      socket.on('data', (chunk) => {
        if (String(chunk) === 'reset') socket.resetAndDestroy();
        else socket.write(chunk);
      });
    });
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    await untilListening();
    const one = dial();
    one.write('reset');
    expect(await said(one)).toBe('ECONNRESET');
    const other = dial();
    other.write('hello');
    expect(await said(other)).toBe('hello');
    other.resetAndDestroy();
    await eventually(
      () => errors.includes('ECONNRESET'),
      () => errors,
    );
  });

  it('are reset when the endpoint refuses', async () => {
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    putSlice(store, 'greeter', [endpoint(podIp(9))]);
    await callUntil('ECONNRESET');
  });
});

describe('near endpoints', () => {
  beforeEach(async () => {
    await listen(podIp(1));
    await listen(podIp(2));
    putNode(store, 'n1', 'a');
    putNode(store, 'n2', 'a');
    putNode(store, 'n3', 'b');
    for (const index of [1, 2, 3]) putPod(store, `client-${index}`, `127.202.18.${index}`, `n${index}`);
  });
  const one = endpoint(podIp(1), { nodeName: 'n1', zone: 'a' });
  const two = endpoint(podIp(2), { nodeName: 'n2', zone: 'b' });

  it('are found by the place of the client', async () => {
    putService(store, 'greeter', { clusterIP: VIRTUAL, trafficDistribution: 'PreferSameZone' });
    putSlice(store, 'greeter', [one, two]);
    await callUntil(podIp(1), '127.202.18.2');
    for (let called = 0; called < 20; called += 1) {
      expect(await call(VIRTUAL, PORT, '127.202.18.2')).toBe(podIp(1));
      expect(await call(VIRTUAL, PORT, '127.202.18.3')).toBe(podIp(2));
    }
  });

  it('are waited for when only they may serve: nothing is answered, nothing is lost', async () => {
    putService(store, 'greeter', { clusterIP: VIRTUAL, internalTrafficPolicy: 'Local' });
    putSlice(store, 'greeter', [one]);
    await callUntil(podIp(1));
    const heard: string[] = [];
    const far = dial(VIRTUAL, PORT, '127.202.18.2').on('data', (chunk) => heard.push(String(chunk)));
    far.write('ping');
    const gaveUp = dial(VIRTUAL, PORT, '127.202.18.2');
    gaveUp.end('never mind');
    // The proxy has let it go.
    await once(gaveUp.resume(), 'close');
    expect(heard).toEqual([]);
    expect(far.destroyed).toBe(false);
    putSlice(store, 'greeter', [one, { ...two, zone: 'a' }]);
    await eventually(
      () => heard.join('') === `${podIp(2)} ping`,
      () => heard,
    );
    far.end(' and pong');
    await once(far, 'end');
    expect(heard.join('')).toBe(`${podIp(2)} ping and pong`);
  });

  it('are waited for in vain when the last endpoint goes: refused, as a new connection is', async () => {
    putService(store, 'greeter', { clusterIP: VIRTUAL, internalTrafficPolicy: 'Local' });
    putSlice(store, 'greeter', [one]);
    await callUntil(podIp(1));
    const far = dial(VIRTUAL, PORT, '127.202.18.2');
    await once(far, 'connect');
    putSlice(store, 'greeter', []);
    expect(await said(far)).toBe('ECONNRESET');
  });
});

describe('what cannot be listened for', () => {
  it('ports below 1024 are named once, and the others served', async () => {
    await listen(podIp(1));
    putService(store, 'greeter', { clusterIP: VIRTUAL, ports: [GRPC, { name: 'http', port: 80 }] });
    const ports = [GRPC, { name: 'http', port: PORT }];
    putSlice(store, 'greeter', [endpoint(podIp(1))], { ports });
    await callUntil(podIp(1));
    putSlice(store, 'greeter', [endpoint(podIp(1)), endpoint(podIp(2), notReady)], { ports });
    await callUntil(podIp(1));
    expect(await call(VIRTUAL, 80)).toBe('ECONNREFUSED');
    expect(logged).toEqual([
      'proxy: Service lab/greeter: port 80 cannot be served: only root may listen on ports below 1024',
    ]);
  });

  it('a port in use is named once, and served when it is free', async () => {
    const squatter = await listen(VIRTUAL, (socket) => socket.end('squatter'));
    await listen(podIp(1));
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    await eventually(
      () => logged.length > 0,
      () => logged,
    );
    putSlice(store, 'greeter', [endpoint(podIp(1)), endpoint(podIp(2), notReady)]);
    expect(await call()).toBe('squatter');
    squatter.close();
    await callUntil(podIp(1));
    expect(logged).toEqual([
      expect.stringMatching(/^proxy: Service lab\/greeter: .*EADDRINUSE.*127\.202\.240\.20/),
    ]);
  });

  it('headless Services, and those without an address, are nobody’s', async () => {
    await listen(podIp(1));
    putService(store, 'direct', { clusterIP: 'None' });
    putSlice(store, 'direct', [endpoint(podIp(1))]);
    putService(store, 'pending', {});
    putSlice(store, 'pending', [endpoint(podIp(1))]);
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    await callUntil(podIp(1));
    expect(logged).toEqual([]);
  });
});

it('stops with its listeners and connections, and listens to the store no more', async () => {
  await listen(podIp(1));
  putService(store, 'greeter', { clusterIP: VIRTUAL });
  putSlice(store, 'greeter', [endpoint(podIp(1))]);
  await callUntil(podIp(1));
  const open = dial();
  await said(open);
  const closed = once(open.resume(), 'end');
  // A change and the end in one go.
  putSlice(store, 'greeter', []);
  putSlice(store, 'greeter', [endpoint(podIp(1))]);
  await proxy.stop();
  await closed;
  putSlice(store, 'greeter', []);
  putSlice(store, 'greeter', [endpoint(podIp(1))]);
  putService(store, 'later', { clusterIP: LATER });
  putSlice(store, 'later', [endpoint(podIp(1))]);
  for (let called = 0; called < 20; called += 1) {
    expect(await call()).toBe('ECONNREFUSED');
    expect(await call(LATER)).toBe('ECONNREFUSED');
  }
});
