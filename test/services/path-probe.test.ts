// The way of a call, tried from the client: what each layer says, of servers that are what they should be and others.
import dns, { type LookupAddress } from 'node:dns';
import { createServer as createHttp1 } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer as createTls } from 'node:tls';
import {
  Server as GrpcServer,
  loadPackageDefinition,
  ServerCredentials,
  type ServerDuplexStream,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeCertificate } from '../../scripts/common/certificate.ts';
import { probePath } from '../../services/greeter-client/path/index.ts';
import { lookUp, parseResolvConf } from '../../services/greeter-client/path/name.ts';
import { leaveNoSocket } from '../../services/greeter-client/path/no-socket-left.ts';
import { AddressProbe, PathProbeAnswer, PathProbeRequest } from '../../services/protocol/index.ts';
import { reflectionProto } from './grpc-clients.ts';
import { startClient, startServer, until } from './harness.ts';
import { freePort, listen, serverThat } from './raw-server.ts';

const HOST = '127.0.0.1';
const METHOD = '/greet.Greeter/SayHello';

type Request = Omit<PathProbeRequest, 'host'> & { host?: string };

/** As long as it takes on a busy machine, unless time is what a test is about. */
const probe = (request: Request) =>
  probePath(PathProbeRequest.parse({ host: HOST, timeoutMs: 10_000, ...request }));

/** What is said of the one address of 127.0.0.1. */
async function probeOne(request: Request): Promise<AddressProbe> {
  const { addresses } = await probe(request);
  expect(addresses).toHaveLength(1);
  return addresses[0] as AddressProbe;
}

const certificate = await makeCertificate('greeter-server', [
  { type: 'ip', value: HOST },
  { type: 'dns', value: 'greeter.test' },
]);
const tlsServerEnv = { GRPC_TLS_CERT: certificate.cert, GRPC_TLS_KEY: certificate.key };

describe('the preface', () => {
  const says = (text: string | Buffer) => () => serverThat((socket) => void socket.write(text));
  it.each([
    [
      'a server of HTTP/2',
      () => listen(createHttp2((_request, response) => response.writeHead(404).end())),
      { saw: 'http2' },
    ],
    [
      'a server of HTTP/1.1 only',
      () => listen(createHttp1()),
      { saw: 'http1', firstBytes: 'HTTP/1.1 400 Bad Request..Connection: close....' },
    ],
    [
      'one that answers with a page alone',
      says('<!DOCTYPE HTML>\n<p>505</p>'),
      { saw: 'http1', firstBytes: '<!DOCTYPE HTML>.<p>505</p>' },
    ],
    ["TLS' alert", says(Buffer.from([0x15, 3, 1, 0, 2, 2, 70, 0, 0])), { saw: 'tls' }],
    [
      "TLS' handshake, cut short",
      () => serverThat((socket) => void socket.end(Buffer.from([0x16, 3, 3]))),
      { saw: 'tls' },
    ],
    ['one that closes', () => serverThat((socket) => void socket.end()), { saw: 'closed' }],
    [
      'one that resets',
      () => serverThat((socket) => void socket.once('data', () => socket.resetAndDestroy())),
      { saw: 'closed' },
    ],
    ['one that says nothing', () => serverThat(() => {}), { saw: 'silent' }],
    [
      'something else',
      says(`SSH-2.0-OpenSSH_9.6\r\n${'é'.repeat(100)}`),
      { saw: 'other', firstBytes: `SSH-2.0-OpenSSH_9.6..${'.'.repeat(59)}` },
    ],
    [
      'a frame that is not SETTINGS',
      says(Buffer.from([0, 0, 0, 6, 0, 0, 0, 0, 0])),
      { saw: 'other', firstBytes: '.........' },
    ],
  ])('of %s', async (_what, start, expected) => {
    const server = await start();
    const timeoutMs = expected.saw === 'silent' ? 300 : 10_000;
    const seen = await probeOne({ port: server.port, timeoutMs });
    expect(seen.tcp.error).toBeUndefined();
    expect(seen.preface).toEqual(expected);
    expect(seen.health === undefined).toBe(expected.saw !== 'http2');
    await until('nothing is left', () => server.open() === 0);
  });

  it('of a server of TLS is no HTTP/2', async () => {
    await using server = await startServer(tlsServerEnv);
    const seen = await probeOne({ port: server.grpcPort });
    expect(['tls', 'closed']).toContain(seen.preface?.saw);
    expect(seen.tls).toMatchObject({ alpn: 'h2' });
    expect(seen.health).toBeUndefined();
  });
});

describe('TCP', () => {
  it('that is refused ends it there', async () => {
    const port = await freePort();
    expect(await probeOne({ port })).toEqual({
      address: HOST,
      port,
      ofName: true,
      tcp: { ms: expect.any(Number), error: 'ECONNREFUSED' },
    });
  });
});

describe('TLS', () => {
  const trust = { ca: certificate.ca };
  it.each([
    ['the authority is trusted', { tls: trust }, 'yes'],
    ['the name is what the client says', { tls: { ...trust, serverName: 'greeter.test' } }, 'yes'],
    ['the name is another', { tls: { ...trust, serverName: 'other.test' } }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['the authority is not known', { tls: {} }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ])('says how its verification ends: %s', async (_what, request, trusted) => {
    await using server = await startServer(tlsServerEnv);
    const seen = await probeOne({ port: server.grpcPort, method: METHOD, ...request });
    expect(seen.tls).toEqual({
      ms: expect.any(Number),
      alpn: 'h2',
      trusted,
      subject: 'CN=greeter-server',
      names: 'IP Address:127.0.0.1, DNS:greeter.test',
      validTo: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    // What is behind it is seen all the same.
    expect(seen).toMatchObject({ health: { '': { serving: 'SERVING' } }, method: { code: 'OK' } });
  });

  it('is not what a server of HTTP/2 in the clear speaks, and then no call is made', async () => {
    await using server = await startServer();
    const seen = await probeOne({ port: server.grpcPort, tls: {}, method: METHOD });
    expect(seen.preface).toEqual({ saw: 'http2' });
    expect(seen.tls).toEqual({ ms: expect.any(Number), error: expect.stringMatching(/\w/) });
    expect(seen).not.toHaveProperty('health');
    expect(seen).not.toHaveProperty('method');
  });

  it('that never answers is given up', async () => {
    const server = await serverThat(() => {});
    const seen = await probeOne({ port: server.port, timeoutMs: 200 });
    expect(seen.tls?.error).toBe('ETIMEDOUT');
    expect(seen.tls?.ms).toBeGreaterThan(190);
  });
});

describe('gRPC', () => {
  it('says what health, reflection and the method answer, and which pod', async () => {
    await using server = await startServer();
    const seen = await probeOne({ port: server.grpcPort, method: METHOD });
    expect(seen.health).toEqual({
      '': { code: 'OK', serving: 'SERVING' },
      'greet.Greeter': { code: 'OK', serving: 'SERVING' },
    });
    expect(seen.reflection).toEqual({ services: ['greet.Greeter'] });
    expect(seen.method).toEqual({ code: 'OK', ms: expect.any(Number), pod: 'server-0' });
  });

  it('calls no method unless it is told which', async () => {
    await using server = await startServer();
    const seen = await probeOne({ port: server.grpcPort });
    expect(Object.keys(seen.health ?? {})).toEqual(['']);
    expect(seen).not.toHaveProperty('method');
    expect(await server.ask('GET', '/counters')).toEqual({});
  });

  it('tells a service that is not serving from one that is not there', async () => {
    await using server = await startServer({ INITIAL_NOT_SERVING: 'greet.Greeter' });
    const known = await probeOne({ port: server.grpcPort, method: METHOD });
    expect(known).toMatchObject({
      health: { '': { serving: 'SERVING' }, 'greet.Greeter': { code: 'OK', serving: 'NOT_SERVING' } },
      method: { code: 'OK' },
    });
    const unknown = await probeOne({ port: server.grpcPort, method: '/hello.Greeter/SayHello' });
    expect(unknown).toMatchObject({
      health: { 'hello.Greeter': { code: 'NOT_FOUND', message: 'unknown service "hello.Greeter"' } },
      method: { code: 'UNIMPLEMENTED', message: expect.stringContaining('/hello.Greeter/SayHello') },
    });
  });

  it('takes the first answer of a method that streams', async () => {
    await using server = await startServer();
    const method = '/grpc.health.v1.Health/Watch';
    const seen = await probeOne({ port: server.grpcPort, method });
    expect(seen.method?.code).toBe('OK');
    expect(seen.method?.ms).toBeLessThan(9000);
  });

  it('says when a server has neither health nor reflection', async () => {
    const seen = await probeOne({ port: await bareServer(() => {}), method: METHOD });
    expect(seen).toMatchObject({
      health: { '': { code: 'UNIMPLEMENTED' }, 'greet.Greeter': { code: 'UNIMPLEMENTED' } },
      reflection: { error: { code: 'UNIMPLEMENTED' } },
      method: { code: 'UNIMPLEMENTED' },
    });
    expect(seen.reflection).not.toHaveProperty('services');
  });

  it.each([
    [
      'its list',
      { list_services_response: { service: [{ name: 'a.A' }, { name: 'b.B' }] } },
      { services: ['a.A', 'b.B'] },
    ],
    [
      'its refusal',
      { error_response: { error_code: 7, error_message: 'not for you' } },
      { error: { code: 'PERMISSION_DENIED', message: 'not for you' } },
    ],
  ])('asks reflection v1alpha where v1 is not there, and takes %s', async (_what, answer, expected) => {
    const asked: object[] = [];
    const port = await bareServer((server) => {
      const file = loadSync(reflectionProto('v1alpha'), { keepCase: true, oneofs: true });
      // biome-ignore lint/suspicious/noExplicitAny: made at run time
      const { service } = (loadPackageDefinition(file) as any).grpc.reflection.v1alpha.ServerReflection;
      server.addService(service, {
        ServerReflectionInfo(call: ServerDuplexStream<object, object>) {
          call.on('data', (request: object) => {
            asked.push(request);
            call.write({ original_request: request, ...answer });
          });
        },
      });
    });
    expect((await probeOne({ port })).reflection).toEqual(expected);
    expect(asked).toEqual([{ list_services: '', message_request: 'list_services' }]);
  });

  it('gives up a method that is slow, and nothing else', async () => {
    await using server = await startServer({ INITIAL_LATENCY_MS: '60000' });
    const startedMs = performance.now();
    const seen = await probeOne({ port: server.grpcPort, method: METHOD, timeoutMs: 1500 });
    expect(performance.now() - startedMs).toBeLessThan(3 * 1500);
    expect(seen).toMatchObject({
      health: { '': { code: 'OK' } },
      reflection: { services: ['greet.Greeter'] },
    });
    expect(seen.method).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(seen.method?.ms).toBeGreaterThan(1400);
  });

  it('leaves nothing behind where a connection never came to be, or never ends', async () => {
    const resources = () => process.getActiveResourcesInfo().filter((name) => /TCP|TLS/.test(name)).length;
    const before = resources();
    const { cert, key } = certificate;
    // Speaks TLS, and then not HTTP/2.
    const mute = await listen(
      createTls({ cert, key, ALPNProtocols: ['h2'] }, (socket) => void socket.resume()),
    );
    const seen = await probeOne({ port: mute.port, tls: {}, method: METHOD, timeoutMs: 1500 });
    expect(seen).toMatchObject({
      health: { '': { code: 'DEADLINE_EXCEEDED' } },
      reflection: { error: { code: 'DEADLINE_EXCEEDED' } },
      method: { code: 'DEADLINE_EXCEEDED' },
    });
    await until('they are closed', () => mute.open() === 0);
    // The server that listens is one.
    await until('nothing is left here', () => resources() <= before + 1);
  });

  it('is on a connection of its own, whoever else asks', async () => {
    const server = await listen(createHttp2());
    const request = { port: server.port, timeoutMs: 1500 };
    await Promise.all([probe(request), probe(request)]);
    // TCP, the preface, TLS and gRPC, each twice.
    expect(server.opened()).toBe(8);
  });

  it('closes what is opened after it was done', async () => {
    const server = await serverThat(() => {});
    const { connect } = await import('node:net');
    const late = Promise.withResolvers<ReturnType<typeof connect>>();
    await leaveNoSocket(async () => {
      setImmediate(() => late.resolve(connect(server.port, HOST)));
    });
    const socket = await late.promise;
    onTestFinished(() => void socket.destroy());
    await until('it is closed', () => socket.closed);
    const other = connect(server.port, HOST);
    onTestFinished(() => void other.destroy());
    await until('another connects', () => other.readyState === 'open');
  });
});

describe('the name', () => {
  it('that there is not is said so, and what is given beside is tried', async () => {
    await using server = await startServer();
    const further = [{ address: HOST, port: server.grpcPort }];
    const answer = await probe({ host: 'nowhere.invalid', port: server.grpcPort, further });
    expect(answer.lookup).toEqual({
      ms: expect.any(Number),
      error: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN|ETIMEDOUT)$/),
      addresses: [],
    });
    expect(answer.addresses).toMatchObject([{ ...further[0], ofName: false, preface: { saw: 'http2' } }]);
  });

  it('gives its addresses, each of which is tried once, and at most 20 in all', async () => {
    const port = await freePort();
    const further = [
      { address: HOST, port },
      ...Array.from({ length: 19 }, (_, index) => ({ address: `127.0.0.${index + 2}`, port })),
    ];
    const once = await probe({ port, further });
    expect(once.addresses.map(({ address }) => address)).toEqual(further.map(({ address }) => address));
    expect(once.addresses.map(({ ofName }) => ofName)).toEqual([true, ...Array(19).fill(false)]);
    expect(once.lookup).toEqual({ ms: expect.any(Number), addresses: [HOST] });
    const most = await probe({ host: '127.0.0.99', port, further });
    expect(most.addresses).toHaveLength(20);
    expect(most.addresses[0]).toMatchObject({ address: '127.0.0.99', ofName: true });
  });

  it('that hangs is given up, and not asked for again before it has ended', async () => {
    const hangs = Promise.withResolvers<LookupAddress[]>();
    const asked = vi.spyOn(dns.promises, 'lookup').mockImplementation((() => hangs.promise) as never);
    onTestFinished(() => asked.mockRestore());
    const late = { ms: 50, error: 'ETIMEDOUT', addresses: [] };
    expect(await lookUp('slow.test', 50)).toEqual(late);
    expect(await lookUp('slow.test', 50)).toEqual(late);
    expect(asked).toHaveBeenCalledTimes(1);
    hangs.resolve([{ address: '10.0.0.1', family: 4 }]);
    await until('it has ended', async () => (await lookUp('slow.test', 50)).addresses.length === 1);
    await lookUp('slow.test', 50);
    expect(asked.mock.calls.length).toBeGreaterThan(1);
  });

  it('is asked for beside one that every cluster has', async () => {
    const { control } = await probe({ port: await freePort(), timeoutMs: 300 });
    expect(control).toMatchObject({ name: 'kubernetes.default.svc.cluster.local', ms: expect.any(Number) });
    expect(control.ms).toBeLessThan(2000);
  });

  it('is completed as resolv.conf says', () => {
    const text = [
      '# made by the kubelet',
      'search old.example',
      'search shop.svc.cluster.local svc.cluster.local\tcluster.local',
      'nameserver 10.96.0.10',
      ' nameserver fd00::a',
      ';nameserver 1.1.1.1',
      'options ndots:5 timeout:2',
      '',
    ].join('\n');
    expect(parseResolvConf(text)).toEqual({
      nameservers: ['10.96.0.10', 'fd00::a'],
      search: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
      options: ['ndots:5', 'timeout:2'],
    });
    expect(parseResolvConf('')).toEqual({ nameservers: [], search: [], options: [] });
  });
});

describe('POST /probes/path', () => {
  it('answers as its schema says, whatever proxy the client has, and leaves no channel or connection', async () => {
    await using server = await startServer();
    await using client = await startClient({
      http_proxy: 'http://127.0.0.1:1',
      grpc_proxy: 'http://127.0.0.1:1',
    });
    const request = { host: 'localhost', port: server.grpcPort, method: METHOD };
    const answer = await client.ask('POST', '/probes/path', request);
    expect(PathProbeAnswer.strict().parse(answer)).toEqual(answer);
    const ofServer = answer.addresses.find(({ address }: AddressProbe) => address === HOST);
    expect(AddressProbe.strict().parse(ofServer)).toMatchObject({ method: { code: 'OK', pod: 'server-0' } });
    const sockets = await client.ask('GET', '/sockets');
    expect(sockets.channelz).toEqual({ channels: 0, connections: 0 });
    await until('they are closed', async () => {
      const { connections } = await client.ask('GET', '/sockets');
      return !connections.some(
        ({ remotePort, state }: { remotePort: number; state: string }) =>
          remotePort === server.grpcPort && state !== 'TIME_WAIT',
      );
    });
  });

  it('is not counted among the channels of workloads', async () => {
    await using server = await startServer({ INITIAL_LATENCY_MS: '60000' });
    await using client = await startClient();
    const request = { host: HOST, port: server.grpcPort, method: METHOD, timeoutMs: 1500 };
    const answer = client.ask('POST', '/probes/path', request);
    await until('the method is called', async () => '' in (await server.ask('GET', '/counters')));
    expect((await client.ask('GET', '/sockets')).channelz).toEqual({ channels: 0, connections: 0 });
    expect((await answer).addresses[0].method.code).toBe('DEADLINE_EXCEEDED');
  });

  it('says which field of a request is wrong', async () => {
    await using client = await startClient();
    for (const [body, text] of [
      [{ host: HOST }, 'port: '],
      [{ host: HOST, port: 1, method: 'SayHello' }, 'method: must be /package.Service/Method'],
      [{ host: HOST, port: 1, timeoutMs: 60_000 }, 'timeoutMs: '],
    ] as const) {
      expect(await client.request('POST', '/probes/path', body)).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining(text) },
      });
    }
  });
});

/** gRPC with nothing but what `add` gives it. @returns its port. */
async function bareServer(add: (server: GrpcServer) => void): Promise<number> {
  const server = new GrpcServer();
  add(server);
  onTestFinished(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync(`${HOST}:0`, ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}
