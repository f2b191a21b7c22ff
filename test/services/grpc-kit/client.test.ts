import dns from 'node:dns';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { InterceptingCall, Metadata, status } from '@grpc/grpc-js';
import { execa } from 'execa';
import { expect, onTestFinished, test, vi } from 'vitest';
import { serviceConfig } from '../../../services/grpc-kit/src/client/service-config.ts';
import { type ClientOptions, createClient } from '../../../services/grpc-kit/src/index.ts';
import { eventually } from '../../support/eventually.ts';
import { startBackend } from './backend.ts';
import { EchoService } from './echo-service.ts';

const echo = (address: string, options: ClientOptions = {}) =>
  createClient(EchoService, `ipv4:${address}`, options);

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return 'OK';
  } catch (error) {
    const { code } = error as { code?: status };
    return code === undefined ? String((error as Error).message) : (status[code] ?? '?');
  }
};

const resources = () => process.getActiveResourcesInfo().filter((name) => /TCPSocket|Timeout/.test(name));

test('a call of each kind', async () => {
  await using backend = await startBackend();
  await using client = echo(backend.address);
  expect(await client.unary({ text: 'a' })).toEqual({ text: 'a' });
  const words: string[] = [];
  for await (const { text } of client.repeat({ text: 'a b c' })) words.push(text);
  expect(words).toEqual(['a', 'b', 'c']);
  expect(await client.collect([{ text: 'a' }, { text: 'b' }])).toEqual({ text: 'a b' });
  const talk = client.chat();
  talk.end({ text: 'loud' });
  const answers: unknown[] = [];
  for await (const answer of talk) answers.push(answer);
  expect(answers).toEqual([{ text: 'LOUD' }]);
});

test('what a client streams may fail: the call is cancelled, and the failure is told', async () => {
  await using backend = await startBackend();
  await using client = echo(backend.address);
  async function* failing() {
    yield { text: 'a' };
    throw new Error('no more');
  }
  await expect(client.collect(failing())).rejects.toThrow('no more');
  const begun = performance.now();
  await client.close();
  expect(performance.now() - begun).toBeLessThan(5000);
});

test('metadata of the client and of the call are sent; those of the call count where both name a key', async () => {
  await using backend = await startBackend();
  const ofCall = new Metadata();
  ofCall.set('two', 'call');
  await using client = echo(backend.address, { metadata: { one: 'client', three: 'client' } });
  await client.unary({ text: '' }, { metadata: ofCall });
  await client.unary({ text: '' }, { metadata: { one: 'call' } });
  const [first, second] = backend.attempts.map((metadata) => metadata.getMap());
  expect(first).toMatchObject({ one: 'client', two: 'call', three: 'client' });
  expect(second).toMatchObject({ one: 'call', three: 'client' });
  expect(second).not.toHaveProperty('two');
  expect(ofCall.getMap()).toEqual({ two: 'call' });
});

test('a deadline: that of the call, else that of the client, and Infinity for none', async () => {
  await using backend = await startBackend();
  backend.behaviour.hang = true;
  await using client = echo(backend.address, { deadlineMs: 150 });
  const begun = performance.now();
  expect(await codeOf(client.unary({ text: '' }))).toBe('DEADLINE_EXCEEDED');
  expect(performance.now() - begun).toBeGreaterThan(140);
  expect(await codeOf(client.unary({ text: '' }, { deadlineMs: 20 }))).toBe('DEADLINE_EXCEEDED');
  const abort = new AbortController();
  const endless = client.unary({ text: '' }, { deadlineMs: Number.POSITIVE_INFINITY, signal: abort.signal });
  expect(await Promise.race([codeOf(endless), delay(400, 'still open')])).toBe('still open');
  abort.abort();
  expect(await codeOf(endless)).toBe('CANCELLED');
});

test('a signal that was aborted before, or that is aborted later, cancels', async () => {
  await using backend = await startBackend();
  backend.behaviour.hang = true;
  await using client = echo(backend.address);
  expect(await codeOf(client.unary({ text: '' }, { signal: AbortSignal.abort() }))).toBe('CANCELLED');
  expect(await codeOf(client.unary({ text: '' }, { signal: AbortSignal.timeout(30) }))).toBe('CANCELLED');
});

test('without a server a call fails at once, or waits until there is one', async () => {
  const gone = await startBackend();
  await gone[Symbol.asyncDispose]();
  await using client = echo(gone.address, { deadlineMs: 5000 });
  expect(await codeOf(client.unary({ text: '' }))).toBe('UNAVAILABLE');
  const waiting = client.unary({ text: 'late' }, { waitForReady: true });
  await using _back = await startBackend({ port: gone.port });
  expect(await waiting).toEqual({ text: 'late' });
});

test('headers, status and peer are told', async () => {
  await using backend = await startBackend();
  await using client = echo(backend.address);
  const onHeaders = vi.fn<(headers: Metadata) => void>();
  const onEnd = vi.fn();
  await client.unary({ text: '' }, { onHeaders, onEnd });
  expect(onHeaders.mock.calls[0]?.[0].get('answered-by')).toEqual([backend.address]);
  expect(onEnd).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ code: status.OK, peer: backend.address }),
  );
  backend.behaviour.fail = status.NOT_FOUND;
  expect(await codeOf(client.unary({ text: '' }, { onEnd }))).toBe('NOT_FOUND');
  expect(onEnd.mock.lastCall?.[0]).toMatchObject({ code: status.NOT_FOUND, details: 'told to fail' });
  expect(onEnd.mock.lastCall?.[0].metadata.get('answered-by')).toEqual([backend.address]);
});

test("grpc-js's interceptors", async () => {
  await using backend = await startBackend();
  await using client = echo(backend.address, {
    interceptors: [
      (options, next) =>
        new InterceptingCall(next(options), {
          start(metadata, listener, go) {
            metadata.set('seen', 'yes');
            go(metadata, listener);
          },
        }),
    ],
  });
  await client.unary({ text: '' });
  expect(backend.attempts[0]?.get('seen')).toEqual(['yes']);
});

test('an interceptor that answers before there is a call', async () => {
  await using client = echo('127.0.0.1:1', {
    interceptors: [
      (options, next) =>
        new InterceptingCall(next(options), {
          start(_metadata, listener) {
            listener.onReceiveMetadata(new Metadata());
            listener.onReceiveMessage({ text: 'kept' });
            listener.onReceiveStatus({ code: status.OK, details: '', metadata: new Metadata() });
          },
        }),
    ],
  });
  expect(await client.unary({ text: '' })).toMatchObject({ text: 'kept' });
  // Nothing is waited for.
  await client.close({ timeoutMs: 60_000 });
});

test('clients of the same target and options share one connection; with other options they do not', async () => {
  await using backend = await startBackend();
  await using first = echo(backend.address);
  await using second = echo(backend.address);
  await using other = echo(backend.address, { retry: true });
  await Promise.all([first, second].map((client) => client.unary({ text: '' })));
  expect(backend.accepted()).toBe(1);
  await other.unary({ text: '' });
  expect(backend.accepted()).toBe(2);
  await first.close();
  await second.unary({ text: '' });
  expect(backend.connections()).toBe(2);
  await second.close();
  await eventually(() => backend.connections() === 1);
});

test('several connections to an address are used in turn', async () => {
  await using backend = await startBackend({ serverOptions: { 'grpc.max_concurrent_streams': 1 } });
  backend.behaviour.delayMs = 3000;
  await using client = echo(backend.address, { connectionsPerAddress: 3 });
  const begun = performance.now();
  await Promise.all(Array.from({ length: 3 }, () => client.unary({ text: '' })));
  expect(performance.now() - begun).toBeLessThan(6000);
  expect(backend.accepted()).toBe(3);
});

test('close waits for calls in flight, takes no new ones, and leaves no socket and no timer', async () => {
  await using backend = await startBackend();
  const before = resources();
  const client = echo(backend.address, { deadlineMs: 5000 });
  backend.behaviour.delayMs = 200;
  const inFlight = client.unary({ text: 'in flight' });
  await eventually(() => backend.attempts.length === 1);
  const closed = client.close();
  expect(await codeOf(client.unary({ text: '' }))).toContain('is closed');
  expect(await inFlight).toEqual({ text: 'in flight' });
  await closed;
  await client.close();
  await eventually(() => backend.connections() === 0);
  await eventually(
    () => resources().length <= before.length,
    () => ({ before, now: resources() }),
  );
});

test('a program that has closed its client ends', async () => {
  await using backend = await startBackend();
  backend.behaviour.delayMs = 100;
  const begun = performance.now();
  const { stdout } = await execa(
    process.execPath,
    [join(import.meta.dirname, 'close-and-end.ts'), `ipv4:${backend.address}`],
    { timeout: 20_000 },
  );
  expect(stdout).toBe('last');
  expect(performance.now() - begun).toBeLessThan(8000);
});

test('close cancels what is still open after its time', async () => {
  await using backend = await startBackend();
  backend.behaviour.hang = true;
  const client = echo(backend.address);
  const call = codeOf(client.unary({ text: '' }));
  const stream = client.repeat({ text: '' });
  const ended = new Promise((resolve) => stream.once('error', resolve));
  await eventually(() => backend.attempts.length === 1);
  await client.close({ timeoutMs: 50 });
  expect(await call).toBe('CANCELLED');
  expect(await ended).toMatchObject({ code: status.CANCELLED });
});

test('keepalive: a frozen server is found out, and calls go elsewhere', async () => {
  await using frozen = await startBackend();
  await using healthy = await startBackend();
  await using client = createClient(EchoService, `ipv4:${frozen.address},${healthy.address}`, {
    keepalive: { timeMs: 200, timeoutMs: 1000 },
    deadlineMs: 8000,
  });
  const codes: string[] = [];
  const call = async () => codes.push(await codeOf(client.unary({ text: '' })));
  while (frozen.attempts.length === 0 || healthy.attempts.length === 0) await call();
  frozen.freeze();
  const answered = codes.length;
  while (codes.length < answered + 6) await call();
  // Some may have been on their way to it: they end with its connection, not at their deadline.
  expect(codes).not.toContain('DEADLINE_EXCEEDED');
  expect(codes.slice(-4)).toEqual(['OK', 'OK', 'OK', 'OK']);
});

test('a server that goes in the middle of a stream ends it with UNAVAILABLE', async () => {
  await using backend = await startBackend();
  backend.behaviour.hang = true;
  await using client = echo(backend.address);
  const stream = client.repeat({ text: '' });
  const seen: string[] = [];
  const read = (async () => {
    for await (const { text } of stream) {
      seen.push(text);
      await backend.kill();
    }
  })();
  expect(await codeOf(read)).toBe('UNAVAILABLE');
  expect(seen).toEqual(['first']);
});

test('when the clock jumps, no call hangs beyond its deadline', async () => {
  await using backend = await startBackend();
  backend.behaviour.hang = true;
  await using client = echo(backend.address, { retry: true });
  for (const jumpMs of [3_600_000, -3_600_000]) {
    const now = Date.now.bind(Date);
    const before = client.unary({ text: '' }, { deadlineMs: 300 });
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + jumpMs);
    const after = client.unary({ text: '' }, { deadlineMs: 300 });
    const begun = performance.now();
    expect(await Promise.all([codeOf(before), codeOf(after)])).toEqual([
      'DEADLINE_EXCEEDED',
      'DEADLINE_EXCEEDED',
    ]);
    expect(performance.now() - begun).toBeLessThan(10_000);
    clock.mockRestore();
  }
  backend.behaviour.hang = false;
  expect(await client.unary({ text: 'on' }, { deadlineMs: 5000 })).toEqual({ text: 'on' });
});

test('an idle client closes its connections, and opens one for the next call', async () => {
  await using backend = await startBackend();
  await using client = echo(backend.address, { idleMs: 1000 });
  await client.unary({ text: '' });
  expect(backend.connections()).toBe(1);
  await eventually(() => backend.connections() === 0);
  expect(await client.unary({ text: 'again' })).toEqual({ text: 'again' });
});

test('with dns: a new pod is found when a server ends connections that are old', async () => {
  await using backend = await startBackend({ serverOptions: { 'grpc.max_connection_age_ms': 300 } });
  const found = [{ address: '127.0.0.1', family: 4 }];
  const lookup = vi.spyOn(dns.promises, 'lookup').mockImplementation((async () => [...found]) as never);
  const counts: number[] = [];
  await using client = createClient(EchoService, `dns:///greeter.test:${backend.port}`, {
    channelOptions: { 'grpc.dns_min_time_between_resolutions_ms': 100 },
    onAddresses: ({ endpoints }) => counts.push(endpoints),
  });
  onTestFinished(() => lookup.mockRestore());
  await client.unary({ text: '' });
  expect(counts.at(-1)).toBe(1);
  found.push({ address: '127.0.0.2', family: 4 });
  await eventually(() => counts.at(-1) === 2);
});

test('options that cannot be are refused before anything is opened', () => {
  expect(() => echo('127.0.0.1:1', { retry: true, hedging: {} })).toThrow('retried or hedged, not both');
  expect(() => createClient({ close: EchoService.unary }, 'ipv4:127.0.0.1:1')).toThrow(
    'a method cannot be called close',
  );
});

test('durations in the service config have nine digits, which is the most that grpc-js takes', () => {
  const retry = { initialBackoffMs: 200, maxBackoffMs: 1500 };
  expect(JSON.parse(serviceConfig({ retry }, 'test.Echo')).methodConfig[0].retryPolicy).toEqual({
    maxAttempts: 3,
    initialBackoff: '0.200000000s',
    maxBackoff: '1.500000000s',
    backoffMultiplier: 2,
    retryableStatusCodes: ['UNAVAILABLE'],
  });
});
