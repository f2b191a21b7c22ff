import { type AddressInfo, connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { serve } from '../../../../services/grpc-kit/src/server/index.ts';
import { counts, EchoService, echo, openEcho, say, sleep, startEcho } from './echo.ts';
import { eventually } from './eventually.ts';
import { connectWire } from './http2.ts';

const UNARY = '/test.Echo/Unary';

describe.concurrent('connections', () => {
  it('get GOAWAY at their age, and calls in flight end well', async () => {
    await using server = await startEcho({ maxConnectionAgeMs: 300 });
    await using wire = await connectWire(server.target);
    const call = wire.call(UNARY, '{"text":"hi","delayMs":700}');
    await eventually(() => expect(wire.goaways.length).toBeGreaterThan(0));
    const [goaway] = wire.goaways;
    expect(goaway).toMatchObject({ code: 0, data: 'max_age' });
    expect(goaway?.atMs).toBeGreaterThan(250);
    expect(goaway?.atMs).toBeLessThan(10_000);
    expect(await call).toBe('0');
    await eventually(() => expect(wire.closed).toBe(true));
  });

  it('have their calls cut when they are older than age and grace', async () => {
    await using server = await startEcho({ maxConnectionAgeMs: 200, maxConnectionAgeGraceMs: 200 });
    using client = openEcho(server.target);
    const reply = await say(client, 20_000);
    expect(reply.code).not.toBe('OK');
    expect(reply.ms).toBeGreaterThan(350);
    expect(reply.ms).toBeLessThan(10_000);
  });

  it('are closed when they are idle, and not while they have a call', async () => {
    await using server = await startEcho({ maxConnectionIdleMs: 300 });
    await using idle = await connectWire(server.target);
    await using busy = await connectWire(server.target);
    const call = busy.call(UNARY, '{"text":"hi","delayMs":1000}');
    await eventually(() => expect(idle.closed).toBe(true));
    expect(idle.goaways[0]).toMatchObject({ code: 0 });
    expect(busy.closed).toBe(false);
    expect(await call).toBe('0');
  });

  it('stay as they are unless something is set', async () => {
    await using server = await startEcho();
    await using wire = await connectWire(server.target);
    await sleep(1200);
    expect(wire).toMatchObject({ closed: false, goaways: [], pings: 0 });
    expect(wire.session.remoteSettings.maxConcurrentStreams).toBe(4294967295);
  });

  it('are pinged, and closed when the answer does not come', async () => {
    await using server = await startEcho({ keepaliveMs: 100, keepaliveTimeoutMs: 300 });
    await using wire = await connectWire(server.target);
    await eventually(() => expect(wire.pings).toBeGreaterThan(3));
    expect(wire.closed).toBe(false);

    // One that connects and then does not answer.
    const dead = connect(server.port, '127.0.0.1').resume();
    const closed = new Promise((resolve) => dead.once('close', resolve));
    const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    dead.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), emptySettings]));
    const startMs = performance.now();
    await closed;
    expect(performance.now() - startMs).toBeGreaterThan(380);
    expect(performance.now() - startMs).toBeLessThan(5000);
    expect(wire.closed).toBe(false);
  });
});

describe('calls', () => {
  it('queue in the client when there are too many for the connection', async () => {
    const seen = counts();
    await using server = await startEcho({ maxConcurrentStreams: 2 }, seen);
    await using wire = await connectWire(server.target);
    expect(wire.session.remoteSettings.maxConcurrentStreams).toBe(2);
    using client = openEcho(server.target);
    // The limit is known once the connection has been used.
    await say(client);
    const startMs = performance.now();
    const replies = await Promise.all(Array.from({ length: 6 }, () => say(client, 100)));
    expect(replies.map(({ code }) => code)).toEqual(replies.map(() => 'OK'));
    expect(seen.mostAtOnce).toBe(2);
    expect(performance.now() - startMs).toBeGreaterThan(290);
  });

  it('fail when a message is too long, either way', async () => {
    const long = 'x'.repeat(5 * 1024 * 1024);
    async function codeOf(options: Parameters<typeof startEcho>[0], text: string): Promise<string> {
      await using server = await startEcho(options);
      using client = openEcho(server.target, { 'grpc.max_receive_message_length': -1 });
      return (await say(client, 0, text)).code;
    }
    expect(await codeOf({ maxReceiveMessageBytes: 1000 }, 'x'.repeat(900))).toBe('OK');
    expect(await codeOf({ maxReceiveMessageBytes: 1000 }, 'x'.repeat(1001))).toBe('RESOURCE_EXHAUSTED');
    expect(await codeOf({ maxSendMessageBytes: 1000 }, 'x'.repeat(900))).toBe('OK');
    expect(await codeOf({ maxSendMessageBytes: 1000 }, 'x'.repeat(1001))).toBe('RESOURCE_EXHAUSTED');
    expect(await codeOf({}, long)).toBe('RESOURCE_EXHAUSTED');
    expect(await codeOf({ maxReceiveMessageBytes: Number.POSITIVE_INFINITY }, long)).toBe('OK');
  });

  it('go through interceptors, beside which named options win over raw ones', async () => {
    const paths: string[] = [];
    const interceptor: ServerInterceptor = (method, call) => {
      paths.push(method.path);
      return new ServerInterceptingCall(call);
    };
    await using server = await startEcho({
      serverOptions: {
        interceptors: [interceptor],
        'grpc.max_concurrent_streams': 5,
        'grpc.max_connection_idle_ms': 200,
      },
      maxConcurrentStreams: 3,
      keepaliveMinTimeMs: 1000,
    });
    await using wire = await connectWire(server.target);
    expect(wire.session.remoteSettings.maxConcurrentStreams).toBe(3);
    expect(await wire.call(UNARY)).toBe('0');
    expect(paths).toEqual([UNARY]);
    await eventually(() => expect(wire.closed).toBe(true));
  });
});

describe('where it listens', () => {
  it('is every address, of both families with ::', async () => {
    const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
      addresses?.some(({ address }) => address === '::1'),
    );
    await using four = await startEcho({ host: '0.0.0.0' });
    using client = openEcho(`127.0.0.2:${four.port}`);
    expect((await say(client)).code).toBe('OK');
    if (!hasIpv6) return;
    await using both = await startEcho({ host: '::' });
    for (const address of ['127.0.0.1', '[::1]']) {
      using either = openEcho(`${address}:${both.port}`);
      expect((await say(either)).code).toBe('OK');
    }
  });

  it('is said when it cannot be', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    await expect(startEcho({ port })).rejects.toThrow(
      new RegExp(`^grpc-kit: cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`),
    );
    await new Promise((resolve) => taken.close(resolve));
  });

  it('is port 50051 of every IPv4 address unless it is told', async () => {
    const server = await serve([[EchoService, echo()]], { drainOn: [] }).catch((error: Error) => error);
    if (server instanceof Error) {
      // Someone else has it.
      expect(server.message).toMatch(/^grpc-kit: cannot listen on 0\.0\.0\.0:50051: .*EADDRINUSE/);
      return;
    }
    try {
      expect(server.port).toBe(50051);
      using client = openEcho('127.0.0.3:50051');
      expect((await say(client)).code).toBe('OK');
    } finally {
      await server.close();
    }
  });
});

it.each([
  [{ port: 65_536 }, 'port must be a whole number from 0 to 65535, not 65536'],
  [{ maxConnectionAgeMs: 2_147_483_647 }, 'maxConnectionAgeMs must be a whole number from 1 to 1952257859'],
  [{ maxConnectionAgeMs: 0 }, 'maxConnectionAgeMs'],
  [{ keepaliveMs: 1.5 }, 'keepaliveMs'],
  [{ keepaliveMinTimeMs: Number.POSITIVE_INFINITY }, 'keepaliveMinTimeMs'],
  [{ maxReceiveMessageBytes: -1 }, 'maxReceiveMessageBytes'],
  [{ readinessIntervalMs: 0 }, 'readinessIntervalMs'],
  [{ drainDelayMs: -1 }, 'drainDelayMs'],
])('refuses %j', async (options, message) => {
  const started = startEcho(options);
  await expect(started).rejects.toThrow(RangeError);
  await expect(started).rejects.toThrow(`grpc-kit: ${message}`);
});
