import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type DecodedPacket, decode, encode, type Packet, type RecordType } from 'dns-packet';
import { asyncProperty, assert as check, uint8Array } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DNS_FAULT, followDnsFault } from '../../../scripts/cluster/embedded/network/dns-fault.ts';
import { createAddresses, type Dns, startDns } from '../../../scripts/cluster/embedded/network/index.ts';
import type { Store } from '../../../scripts/cluster/embedded/store.ts';
import { endpoint, GRPC, leaving, NS, notReady, putService, putSlice, testStore } from './network-objects.ts';

const addresses = createAddresses(202);
const SVC = `${NS}.svc.cluster.local`;
const VIRTUAL = '127.202.240.16';
const podIp = (index: number) => `127.202.16.${index}`;

let store: Store;
let dns: Dns;
let logged: string[];

beforeEach(async () => {
  store = testStore();
  logged = [];
  dns = await startDns({ store, addresses, log: (text) => logged.push(text) });
});
afterEach(async () => {
  await dns.stop();
  expect(logged).toEqual([]);
});

/** Sends bytes, and returns the answer's; undefined when none came in time. */
async function sendUdp(message: Buffer, waitMs = 5000): Promise<Buffer | undefined> {
  const socket = createSocket('udp4');
  try {
    socket.connect(dns.port, dns.address);
    await once(socket, 'connect');
    socket.send(message);
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(waitMs) });
    return answer;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return undefined;
    throw error;
  } finally {
    socket.close();
  }
}

const query = (name: string, type: RecordType | `UNKNOWN_${number}`, more: Packet = {}): Buffer =>
  encode({
    type: 'query',
    id: 4711,
    flags: 0x0100,
    questions: [{ name, type: type as RecordType }],
    ...more,
  });

type Answered = DecodedPacket & { rcode: string };

async function ask(
  name: string,
  type: RecordType | `UNKNOWN_${number}` = 'A',
  more: Packet = {},
): Promise<Answered> {
  const answer = await sendUdp(query(name, type, more));
  return decode(answer as Buffer) as Answered;
}

const data = (records: DecodedPacket['answers'] = []): unknown[] =>
  records.map((record) => ('data' in record ? record.data : undefined));

/** `NOERROR 1.2.3.4`, or the code alone where nothing is answered. */
async function short(name: string, type: RecordType = 'A'): Promise<string> {
  const { rcode, answers } = await ask(name, type);
  return [rcode, ...data(answers).map(String).toSorted()].join(' ');
}

describe('names of the cluster', () => {
  beforeEach(() => {
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    putService(store, 'direct', { clusterIP: 'None' });
    putSlice(store, 'direct', [
      endpoint(podIp(1)),
      endpoint(podIp(2), notReady),
      endpoint(podIp(3), { hostname: 'third' }),
      endpoint(podIp(4), leaving),
    ]);
    putSlice(store, 'direct', [endpoint(podIp(5)), endpoint(podIp(1))], { name: 'direct-2' });
    putSlice(store, 'greeter', [endpoint(podIp(1))]);
    putService(store, 'empty', { clusterIP: 'None' });
    putSlice(store, 'empty', [endpoint(podIp(2), notReady)]);
    putService(store, 'idle', { clusterIP: '127.202.240.17' });
    putService(store, 'portless', { clusterIP: 'None', ports: [] });
    putSlice(store, 'portless', [endpoint(podIp(6))], { ports: [] });
    putService(store, 'pending', {});
  });

  it.each([
    ['a ClusterIP', `greeter.${SVC}`, `NOERROR ${VIRTUAL}`],
    ['a ClusterIP without endpoints', `idle.${SVC}`, 'NOERROR 127.202.240.17'],
    [
      'every ready endpoint of every slice, once',
      `direct.${SVC}`,
      `NOERROR ${podIp(1)} ${podIp(3)} ${podIp(5)}`,
    ],
    ['a headless Service without ready endpoints', `empty.${SVC}`, 'NXDOMAIN'],
    ['a headless Service without ports', `portless.${SVC}`, `NOERROR ${podIp(6)}`],
    ['a Service that has no address yet', `pending.${SVC}`, 'NOERROR'],
    ['an endpoint by its address', `127-202-16-5.direct.${SVC}`, `NOERROR ${podIp(5)}`],
    ['an endpoint by its hostname', `third.direct.${SVC}`, `NOERROR ${podIp(3)}`],
    ['not by its address then', `127-202-16-3.direct.${SVC}`, 'NXDOMAIN'],
    ['an endpoint that is not ready', `127-202-16-2.direct.${SVC}`, 'NXDOMAIN'],
    ['an endpoint of a ClusterIP', `127-202-16-1.greeter.${SVC}`, `NOERROR ${podIp(1)}`],
    ['a named port', `_grpc._tcp.greeter.${SVC}`, `NOERROR ${VIRTUAL}`],
    ['no such port', `_http._tcp.greeter.${SVC}`, 'NXDOMAIN'],
    ['no such protocol', `_grpc._udp.greeter.${SVC}`, 'NXDOMAIN'],
    ['a pod, whether it is there or not', `10-1-2-3.${NS}.pod.cluster.local`, 'NOERROR 10.1.2.3'],
    ['a pod whose name is no address', `10-1-2-300.${NS}.pod.cluster.local`, 'NXDOMAIN'],
    ['a pod of no namespace', '10-1-2-3.nowhere.pod.cluster.local', 'NXDOMAIN'],
    ['no such Service', `nobody.${SVC}`, 'NXDOMAIN'],
    ['no such namespace', 'greeter.nowhere.svc.cluster.local', 'NXDOMAIN'],
    ['one label too many', `a.b.c.greeter.${SVC}`, 'NXDOMAIN'],
    ['a namespace', SVC, 'NOERROR'],
    ['all namespaces', 'svc.cluster.local', 'NOERROR'],
    ['all pods', 'pod.cluster.local', 'NOERROR'],
    ['the zone', 'cluster.local', 'NOERROR'],
    ['something else in the zone', 'other.cluster.local', 'NXDOMAIN'],
    ['a name that only ends like it', `greeter.${NS}.svcxcluster.local`, 'NXDOMAIN'],
    ['the world outside', 'example.com', 'NXDOMAIN'],
    ['the root', '.', 'NXDOMAIN'],
  ])('%s: %s', async (_, name, expected) => {
    expect(await short(name)).toBe(expected);
  });

  it.each([
    ['has no address of IPv6', `greeter.${SVC}`, 'AAAA', 'NOERROR'],
    ['nor has what does not exist', `nobody.${SVC}`, 'AAAA', 'NXDOMAIN'],
    ['has no alias', `greeter.${SVC}`, 'CNAME', 'NOERROR'],
    ['has no text', `nobody.${SVC}`, 'TXT', 'NOERROR'],
    ['a Service by its address', '16.240.202.127.in-addr.arpa', 'PTR', `NOERROR greeter.${SVC}`],
    [
      'an endpoint by its address, in each Service',
      '1.16.202.127.in-addr.arpa',
      'PTR',
      `NOERROR 127-202-16-1.direct.${SVC} 127-202-16-1.greeter.${SVC}`,
    ],
    ['an endpoint that is not ready', '2.16.202.127.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['an address of nobody', '4.3.2.1.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['no address', 'x.in-addr.arpa', 'PTR', 'NXDOMAIN'],
  ] as const)('%s: %s %s', async (_, name, type, expected) => {
    expect(await short(name, type)).toBe(expected);
  });

  it('says the version of the schema', async () => {
    const { answers } = await ask('dns-version.cluster.local', 'TXT');
    expect(String(data(answers))).toBe('1.1.0');
    expect(await short('dns-version.cluster.local')).toBe('NXDOMAIN');
  });

  it('knows no such type, and says so of names that exist only', async () => {
    expect((await ask(`greeter.${SVC}`, 'UNKNOWN_65')).rcode).toBe('NOERROR');
    expect((await ask(`nobody.${SVC}`, 'UNKNOWN_65')).rcode).toBe('NXDOMAIN');
  });

  it('gives the place of a port: of a ClusterIP one, of a headless Service one for each endpoint', async () => {
    const virtual = await ask(`_grpc._tcp.greeter.${SVC}`, 'SRV');
    expect(data(virtual.answers)).toEqual([
      { priority: 0, weight: 100, port: 50051, target: `greeter.${SVC}` },
    ]);
    expect(virtual.additionals).toMatchObject([{ name: `greeter.${SVC}`, type: 'A', data: VIRTUAL }]);

    const direct = await ask(`_grpc._tcp.direct.${SVC}`, 'SRV');
    const hosts = ['127-202-16-1', 'third', '127-202-16-5'].map((host) => `${host}.direct.${SVC}`);
    expect(data(direct.answers)).toEqual(
      hosts.map((target) => ({ priority: 0, weight: 25, port: 50051, target })),
    );
    expect(direct.additionals).toHaveLength(3);
    expect(direct.additionals).toContainEqual(
      expect.objectContaining({ name: `third.direct.${SVC}`, data: podIp(3), ttl: 30 }),
    );
    expect(data((await ask(`direct.${SVC}`, 'SRV')).answers)).toEqual(data(direct.answers));
    expect((await ask(`portless.${SVC}`, 'SRV')).answers).toEqual([]);
  });

  it('answers for 30 s, with authority; nothing comes with the SOA record', async () => {
    const found = await ask(`greeter.${SVC}`);
    expect(found).toMatchObject({ id: 4711, flag_qr: true, flag_aa: true, flag_tc: false, flag_rd: true });
    expect(found.answers).toMatchObject([{ name: `greeter.${SVC}`, class: 'IN', ttl: 30 }]);
    expect(found.authorities).toEqual([]);
    const soa = {
      name: 'cluster.local',
      type: 'SOA',
      ttl: 30,
      data: { mname: 'ns.dns.cluster.local', rname: 'hostmaster.cluster.local', minimum: 30 },
    };
    expect((await ask(`greeter.${SVC}`, 'AAAA')).authorities).toMatchObject([soa]);
    expect((await ask(`nobody.${SVC}`)).authorities).toMatchObject([soa]);
    expect((await ask('cluster.local', 'SOA')).answers).toMatchObject([soa]);
    expect((await ask('example.com')).authorities).toEqual([]);
  });

  it('takes any case, and echoes it', async () => {
    const name = `GreeTer.${NS}.SVC.cluster.LOCAL`;
    const { questions, answers } = await ask(name);
    expect(questions).toMatchObject([{ name }]);
    expect(answers).toMatchObject([{ name, data: VIRTUAL }]);
  });

  it('follows the store at once', async () => {
    expect(await short(`empty.${SVC}`)).toBe('NXDOMAIN');
    putSlice(store, 'empty', [endpoint(podIp(2))]);
    expect(await short(`empty.${SVC}`)).toBe(`NOERROR ${podIp(2)}`);
    store.remove('services', NS, 'empty');
    expect(await short(`empty.${SVC}`)).toBe('NXDOMAIN');
  });

  it('gives addresses in any order', async () => {
    const firsts = new Set<unknown>();
    for (let asked = 0; asked < 60; asked += 1) firsts.add(data((await ask(`direct.${SVC}`)).answers)[0]);
    expect(firsts).toEqual(new Set([podIp(1), podIp(3), podIp(5)]));
  });

  it("is what Node's resolver takes", async () => {
    const resolver = new Resolver();
    resolver.setServers([`${dns.address}:${dns.port}`]);
    expect((await resolver.resolve4(`direct.${SVC}`)).toSorted()).toEqual([podIp(1), podIp(3), podIp(5)]);
    expect(await resolver.resolveSrv(`_grpc._tcp.greeter.${SVC}`)).toMatchObject([
      { name: `greeter.${SVC}`, port: 50051, priority: 0, weight: 100 },
    ]);
    expect(await resolver.reverse(VIRTUAL)).toEqual([`greeter.${SVC}`]);
    await expect(resolver.resolve4(`nobody.${SVC}`)).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(resolver.resolve6(`greeter.${SVC}`)).rejects.toMatchObject({ code: 'ENODATA' });
  });
});

describe('answers that are too long for UDP', () => {
  const name = `many.${SVC}`;
  const all = Array.from({ length: 200 }, (_, index) => podIp(index + 1));
  const opt = (udpPayloadSize: number): Packet => ({
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
  beforeEach(() => {
    putService(store, 'many', { clusterIP: 'None' });
    putSlice(
      store,
      'many',
      all.slice(0, 100).map((address) => endpoint(address)),
    );
    putSlice(
      store,
      'many',
      all.slice(100).map((address) => endpoint(address)),
      { name: 'many-2' },
    );
  });

  it.each([
    ['512 bytes, when the client names no size', {}, 512],
    ['512 bytes, when it names less', opt(100), 512],
    ['what the client takes', opt(1232), 1232],
  ])('are cut to %s, and say so', async (_, more, size) => {
    const answer = (await sendUdp(query(name, 'A', more))) as Buffer;
    const { flag_tc, answers = [], additionals } = decode(answer);
    expect(flag_tc).toBe(true);
    expect(answer.length).toBeLessThanOrEqual(size);
    expect(answer.length + 16).toBeGreaterThan(size);
    expect(answers.every((record) => record.name === name)).toBe(true);
    expect(additionals).toHaveLength('additionals' in more ? 1 : 0);
  });

  it('hold as many addresses as of CoreDNS, whose names are compressed', async () => {
    // 12 of the header, 4 + 2 + the name of the question, 16 of each address.
    const room = Math.floor((512 - 12 - 4 - 2 - name.length) / 16);
    expect((await ask(name)).answers).toHaveLength(room);
    putSlice(
      store,
      'many',
      all.slice(0, room).map((address) => endpoint(address)),
    );
    putSlice(store, 'many', [], { name: 'many-2' });
    expect((await ask(name)).flag_tc).toBe(false);
  });

  it('are whole where there is room, and over TCP', async () => {
    const { flag_tc, answers } = await ask(name, 'A', opt(4096));
    expect([flag_tc, answers?.length]).toEqual([false, 200]);
    const resolver = new Resolver();
    resolver.setServers([`${dns.address}:${dns.port}`]);
    expect((await resolver.resolve4(name)).toSorted()).toEqual(all.toSorted());
  });

  it('come over TCP, however the questions are cut into packets', async () => {
    const framed = (message: Buffer) =>
      Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
    const bytes = Buffer.concat([framed(query(name, 'A')), framed(query('cluster.local', 'SOA', { id: 1 }))]);
    const socket = connect({ host: dns.address, port: dns.port, noDelay: true });
    await once(socket, 'connect');
    let received = Buffer.alloc(0);
    const sizes = () =>
      [received.readUInt16BE(0), received.readUInt16BE(2 + received.readUInt16BE(0))] as const;
    const isWhole = () =>
      received.length > 2 &&
      received.length > received.readUInt16BE(0) + 4 &&
      received.length === sizes()[0] + sizes()[1] + 4;
    const done = new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (isWhole()) resolve();
      });
    });
    for (const byte of bytes) socket.write(Buffer.from([byte]));
    await done;
    socket.destroy();
    const [first] = sizes();
    expect(decode(received.subarray(2, 2 + first)).answers).toHaveLength(200);
    expect(decode(received.subarray(4 + first))).toMatchObject({ id: 1, answers: [{ type: 'SOA' }] });
  });
});

describe('messages that are no question', () => {
  const header = (flags: number, ...counts: number[]) => {
    const bytes = Buffer.alloc(12);
    for (const [index, value] of [7, flags, ...counts].entries()) bytes.writeUInt16BE(value, 2 * index);
    return bytes;
  };
  const root = Buffer.from([0, 0, 1, 0, 1]);
  const rcodeOf = (answer: Buffer | undefined) => answer && (decode(answer) as Answered).rcode;

  it.each([
    ['no question', header(0), 'FORMERR'],
    ['two questions', Buffer.concat([header(0, 2), root, root]), 'FORMERR'],
    ['a question that breaks off', Buffer.concat([header(0, 1), Buffer.from([5, 65])]), 'FORMERR'],
    [
      'a name that points at itself',
      Buffer.concat([header(0, 1), Buffer.from([0xc0, 12, 0, 1, 0, 1])]),
      'FORMERR',
    ],
    [
      'a name that points into the header',
      Buffer.concat([header(0, 1), Buffer.from([0xc0, 0, 0, 1, 0, 1]), Buffer.alloc(300)]),
      'FORMERR',
    ],
    [
      'options with a name, which have none',
      Buffer.concat([header(0, 1, 0, 0, 1), root, Buffer.from([1, 65, 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0])]),
      'NXDOMAIN',
    ],
    ['records that break off', Buffer.concat([header(0, 1, 0, 0, 1), root, Buffer.from([0, 0])]), 'FORMERR'],
    ['another operation', Buffer.concat([header(0x2800, 1), root]), 'NOTIMP'],
    ['another class', Buffer.concat([header(0, 1), Buffer.from([0, 0, 1, 0, 3])]), 'REFUSED'],
  ])('%s', async (_, message, rcode) => {
    expect(rcodeOf(await sendUdp(message))).toBe(rcode);
  });

  it('get no answer when they are too short, or answers themselves', async () => {
    // Answers keep their order: one to the last message says that there was none to those before.
    const socket = createSocket('udp4');
    const ids: number[] = [];
    socket.on('message', (message) => ids.push(message.readUInt16BE(0)));
    const send = (message: Buffer) =>
      new Promise((resolve) => socket.send(message, dns.port, dns.address, resolve));
    await send(Buffer.alloc(0));
    await send(Buffer.alloc(11, 1));
    await send(Buffer.concat([header(0x8000, 1), root]));
    const answered = once(socket, 'message');
    await send(query('cluster.local', 'A'));
    await answered;
    socket.close();
    expect(ids).toEqual([4711]);
  });

  it('never end the server, whatever they are', async () => {
    const socket = createSocket('udp4');
    const send = (message: Uint8Array) =>
      new Promise((resolve) => socket.send(message, dns.port, dns.address, resolve));
    const some = uint8Array({ maxLength: 80 });
    await check(
      asyncProperty(some, some, async (bytes, tail) => {
        await send(bytes);
        // Past the header, so that names and records are read.
        await send(Buffer.concat([header(0, 1, 0, 0, 1), bytes, tail]));
        await send(Buffer.concat([query(`greeter.${SVC}`, 'A').fill(1, 11, 12), bytes]));
        expect(await short('cluster.local')).toBe('NOERROR');
      }),
      { numRuns: 300 },
    );
    socket.close();
  });

  it('never end the server over TCP', async () => {
    await check(
      asyncProperty(uint8Array({ minLength: 1, maxLength: 80 }), async (bytes) => {
        const socket = connect({ host: dns.address, port: dns.port }).on('error', () => {});
        socket.end(Buffer.concat([Buffer.from([0, bytes.length]), bytes, bytes]));
        await once(socket.resume(), 'close');
      }),
      { numRuns: 50 },
    );
    expect(await short('cluster.local')).toBe('NOERROR');
  });
});

describe('faults', () => {
  const name = `greeter.${SVC}`;
  beforeEach(() => {
    putService(store, 'greeter', { clusterIP: VIRTUAL });
  });

  it('servfail and nxdomain answer so, until they are healed', async () => {
    await dns.setFault({ kind: 'servfail' });
    expect(await short(name)).toBe('SERVFAIL');
    await dns.setFault({ kind: 'nxdomain' });
    expect(await short(name)).toBe('NXDOMAIN');
    await dns.setFault(undefined);
    expect(await short(name)).toBe(`NOERROR ${VIRTUAL}`);
  });

  it('down refuses, over UDP and TCP; healing twice does no harm', async () => {
    await dns.setFault({ kind: 'down' });
    await dns.setFault({ kind: 'down' });
    await expect(sendUdp(query(name, 'A'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const tcp = connect({ host: dns.address, port: dns.port });
    await expect(once(tcp, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await Promise.all([dns.setFault(undefined), dns.setFault(undefined)]);
    expect(await short(name)).toBe(`NOERROR ${VIRTUAL}`);
  });

  it('slow answers late, with what is true then, and nothing after the end', async () => {
    await dns.setFault({ kind: 'slow', ms: 100 });
    const asked = performance.now();
    const late = short(name);
    store.remove('services', NS, 'greeter');
    expect(await late).toBe('NXDOMAIN');
    expect(performance.now() - asked).toBeGreaterThan(95);
    await dns.setFault({ kind: 'slow', ms: 60_000 });
    const timers = () => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
    expect(await sendUdp(query(name, 'A'), 50)).toBeUndefined();
    // Counted twice in a row: others' timers come and go.
    const waiting = timers();
    await dns.stop();
    expect(timers()).toBe(waiting - 1);
  });
});

describe('the ConfigMap that says what ails it', () => {
  const { namespace, name } = DNS_FAULT;
  const configMap = (ofNamespace: string, named: string, data: Record<string, string>) => ({
    apiVersion: 'v1' as const,
    kind: 'ConfigMap' as const,
    metadata: { namespace: ofNamespace, name: named },
    data,
  });
  const say = (data: Record<string, string>) =>
    store.get('configmaps', namespace, name)
      ? store.update('configmaps', namespace, name, (before) => ({ ...before, data }))
      : store.create('configmaps', configMap(namespace, name, data));
  let unfollow: () => void;
  beforeEach(() => {
    putService(store, 'greeter', { clusterIP: VIRTUAL });
    unfollow = followDnsFault(store, dns, (text) => logged.push(text));
  });
  afterEach(() => unfollow());

  it('is followed as it comes, changes and goes', async () => {
    const answer = () => short(`greeter.${SVC}`);
    say({ failure: 'SERVFAIL' });
    expect(await answer()).toBe('SERVFAIL');
    say({ failure: 'NXDOMAIN' });
    expect(await answer()).toBe('NXDOMAIN');
    say({ failure: 'slow', delayMs: '100' });
    const asked = performance.now();
    expect(await answer()).toBe(`NOERROR ${VIRTUAL}`);
    expect(performance.now() - asked).toBeGreaterThan(95);
    say({ failure: 'down' });
    await expect(sendUdp(query(`greeter.${SVC}`, 'A'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    store.remove('configmaps', namespace, name);
    await dns.setFault(undefined);
    expect(await answer()).toBe(`NOERROR ${VIRTUAL}`);
  });

  it('is that one alone', async () => {
    store.create('configmaps', configMap(NS, name, { failure: 'SERVFAIL' }));
    store.create('configmaps', configMap(namespace, 'other', { failure: 'SERVFAIL' }));
    expect(await short(`greeter.${SVC}`)).toBe(`NOERROR ${VIRTUAL}`);
  });
});

it('says when the port is in use, and leaves nothing behind', async () => {
  const options = { store, addresses, log: () => {} };
  await expect(startDns(options)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await dns.stop();
  await dns.stop();
  const squatter = createServer();
  squatter.listen({ host: dns.address, port: dns.port });
  await once(squatter, 'listening');
  await expect(startDns(options)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  squatter.close();
  dns = await startDns(options);
  putService(store, 'greeter', { clusterIP: VIRTUAL, ports: [GRPC] });
  expect(await short(`greeter.${SVC}`)).toBe(`NOERROR ${VIRTUAL}`);
});
