import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { drainTimes } from '../../../../services/grpc-kit/src/server/drain.ts';
import type { DrainPhase, ServeOptions } from '../../../../services/grpc-kit/src/server/index.ts';
import { clientCredentials } from '../../../../services/grpc-kit/src/tls.ts';
import { makeAuthority } from './certificates.ts';
import {
  counts,
  healthOf,
  listen,
  openEcho,
  openHealth,
  RETRYING,
  type Reply,
  say,
  sleep,
  startEcho,
} from './echo.ts';
import { eventually } from './eventually.ts';
import { connectWire } from './http2.ts';

/** Starts a server that notes when it comes to each phase. */
async function startNoting(options: ServeOptions = {}, seen = counts()) {
  const phases: { phase: DrainPhase; atMs: number }[] = [];
  const startMs = performance.now();
  const server = await startEcho(
    { onPhase: (phase) => phases.push({ phase, atMs: performance.now() - startMs }), ...options },
    seen,
  );
  return Object.assign(server, {
    phases,
    names: () => phases.map(({ phase }) => phase),
    atMs: (name: DrainPhase) => phases.find(({ phase }) => phase === name)?.atMs ?? Number.NaN,
  });
}

async function timed(work: Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work;
  return performance.now() - startMs;
}

describe.concurrent('a drain', () => {
  it('is in order: NOT_SERVING, still serving, calls in flight end, closed', async () => {
    const server = await startNoting({ drainDelayMs: 3000 });
    using client = openEcho(server.target);
    using health = openHealth(server.target);
    await say(client);
    expect(server.state).toBe('serving');

    const drained = server.drain();
    expect(server.state).toBe('draining');
    expect(server.names()).toEqual(['not-serving']);
    expect(await healthOf(health, '')).toBe('NOT_SERVING');
    expect(await healthOf(health, 'test.Echo')).toBe('NOT_SERVING');
    // What is set now does not put it back into the endpoints.
    server.health.set('', true);
    expect(await healthOf(health, '')).toBe('NOT_SERVING');
    expect(server.health.current()).toEqual({ '': false, 'test.Echo': false });
    // On new connections, too.
    using late = openEcho(server.target);
    expect((await say(late)).code).toBe('OK');

    const inFlight = say(client, 5000);
    await eventually(() => expect(server.names()).toEqual(['not-serving', 'shutting-down']));
    await sleep(50);
    expect((await say(late, 0, 'hi', 300)).code).toBe('UNAVAILABLE');
    expect(server.state).toBe('draining');
    expect((await inFlight).code).toBe('OK');
    await drained;
    expect(server.names()).toEqual(['not-serving', 'shutting-down', 'done']);
    expect(server.state).toBe('closed');
    const ms = server.atMs('shutting-down') - server.atMs('not-serving');
    expect(ms).toBeGreaterThan(2995);
    expect(ms).toBeLessThan(8000);
    expect(server.said).toEqual([]);
  });

  it('takes no longer than its calls do', async () => {
    const server = await startEcho();
    using client = openEcho(server.target);
    await say(client);
    expect(await timed(server.drain())).toBeLessThan(8000);
  });

  it('cuts open streams and calls when the time is over', async () => {
    const seen = counts();
    const server = await startEcho({ drainDelayMs: 100, drainTimeoutMs: 400 }, seen);
    using client = openEcho(server.target);
    const stream = listen(client.repeat({ text: 'hi' }));
    const call = say(client, 9000);
    await eventually(() => expect(stream.messages).toHaveLength(1));
    await eventually(() => expect(seen.started).toBe(1));
    const ms = await timed(server.drain());
    expect(ms).toBeGreaterThan(490);
    expect(ms).toBeLessThan(8000);
    expect((await call).code).toBe('CANCELLED');
    await eventually(() => expect(stream.code).toBe('CANCELLED'));
  });

  it('has all of the grace period that is left for calls', async () => {
    const seen = counts();
    const server = await startEcho(
      { terminationGracePeriodMs: 3600, preStopMs: 900, drainDelayMs: 200 },
      seen,
    );
    using client = openEcho(server.target);
    const call = say(client, 9000);
    await eventually(() => expect(seen.started).toBe(1));
    const ms = await timed(server.drain());
    // Calls are cut 1500 ms before the end of what preStop has left.
    expect(ms).toBeGreaterThan(1190);
    expect(ms).toBeLessThan(8000);
    expect((await call).code).toBe('CANCELLED');
  });

  it('is not held up by those who watch health, and tells them to ask elsewhere', async () => {
    const server = await startNoting({ drainDelayMs: 2000 });
    using health = openHealth(server.target);
    const early = listen<{ status: string }>(health.watch({ service: '' }));
    await eventually(() => expect(early.messages).toHaveLength(1));
    const drained = server.drain();
    const late = listen<{ status: string }>(health.watch({ service: '' }));
    await eventually(() => expect(late.messages).toHaveLength(1));
    expect(await timed(drained)).toBeLessThan(8000);
    expect(early.messages.map(({ status }) => status)).toEqual(['SERVING', 'NOT_SERVING']);
    expect(late.messages.map(({ status }) => status)).toEqual(['NOT_SERVING']);
    expect(early.code).toBe('UNAVAILABLE');
    expect(late.code).toBe('UNAVAILABLE');
  });

  it('happens once', async () => {
    let hooks = 0;
    const server = await startNoting({
      drainDelayMs: 200,
      onDrained: () => {
        hooks += 1;
      },
    });
    const first = server.drain();
    expect(server.drain()).toBe(first);
    await first;
    await server.drain();
    await server.close();
    expect(hooks).toBe(1);
    expect(server.names()).toEqual(['not-serving', 'shutting-down', 'done']);
  });

  it('ends at once when the server is closed', async () => {
    const seen = counts();
    const server = await startNoting({ drainDelayMs: 15_000 }, seen);
    using client = openEcho(server.target);
    const call = say(client, 9000);
    await eventually(() => expect(seen.started).toBe(1));
    const drained = server.drain();
    await sleep(50);
    expect(await timed(Promise.all([server.close(), drained]))).toBeLessThan(8000);
    expect((await call).code).toBe('CANCELLED');
    expect(server.names()).toEqual(['not-serving', 'shutting-down', 'done']);
    await server.close();
  });

  it('that a signal began leaves no handler of it', async () => {
    const before = process.listenerCount('SIGUSR2');
    const server = await startNoting({ drainOn: ['SIGUSR2'], exitAfterDrain: false });
    expect(process.listenerCount('SIGUSR2')).toBe(before + 1);
    process.emit('SIGUSR2');
    await eventually(() => expect(server.state).toBe('closed'));
    expect(server.names()).toEqual(['sigterm', 'not-serving', 'shutting-down', 'done']);
    await server.drain();
    expect(process.listenerCount('SIGUSR2')).toBe(before);
  });

  it('after the end is nothing', async () => {
    const server = await startNoting();
    await server.close();
    await server.drain();
    expect(server.names()).toEqual([]);
    expect(server.state).toBe('closed');
  });

  it('waits for its hook, tells when that fails, and does not wait for ever', async () => {
    let ended = false;
    const waiting = await startEcho({
      onDrained: async () => {
        await sleep(200);
        ended = true;
      },
    });
    await waiting.drain();
    expect(ended).toBe(true);

    const failing = await startEcho({ onDrained: () => Promise.reject(new Error('no disk')) });
    await expect(failing.drain()).rejects.toThrow('no disk');
    expect(failing.state).toBe('closed');

    const hanging = await startEcho({
      terminationGracePeriodMs: 3600,
      onDrained: () => new Promise(() => {}),
    });
    const ms = await timed(hanging.drain());
    expect(ms).toBeGreaterThan(2500);
    expect(ms).toBeLessThan(8000);
    expect(hanging.said).toEqual(['onDrained has not ended in time']);
  });

  it('goes on when onPhase fails', async () => {
    const server = await startEcho({
      onPhase: (phase) => {
        throw new Error(`not ${phase}`);
      },
    });
    await server.drain();
    expect(server.state).toBe('closed');
    expect(server.said[0]).toBe("onPhase('not-serving') failed: not not-serving");
    expect(server.said).toHaveLength(3);
  });

  it('closes a connection that was in its TLS handshake when it began', async () => {
    const authority = await makeAuthority();
    const server = await startEcho({ tls: await authority.server() });
    using client = openEcho(`localhost:${server.port}`, {}, clientCredentials({ ca: authority.ca }));
    await say(client);
    const call = say(client, 4000);
    let accepted = false;
    const onSocket = () => {
      accepted = true;
    };
    subscribe('net.server.socket', onSocket);
    const socket = connectTcp(server.port, '127.0.0.1');
    await eventually(() => expect(accepted).toBe(true));
    unsubscribe('net.server.socket', onSocket);
    const drained = server.drain();
    await sleep(50);
    const late = connectTls({ socket, servername: 'localhost', ca: authority.ca, ALPNProtocols: ['h2'] });
    await using wire = await connectWire(server.target, { ca: authority.ca, createConnection: () => late });
    await eventually(() => expect(wire.closed).toBe(true), 3000);
    expect(wire.goaways[0]).toMatchObject({ code: 0 });
    expect(server.state).toBe('draining');
    expect((await call).code).toBe('OK');
    expect(await timed(drained)).toBeLessThan(8000);
  });
});

it('a drain costs clients that retry elsewhere not one call', async () => {
  await using stays = await startEcho();
  const goes = await startEcho({ drainDelayMs: 300 });
  using client = openEcho(`ipv4:${stays.target},${goes.target}`, RETRYING);
  const replies: Reply[] = [];
  let started = 0;
  let running = true;
  async function load(): Promise<void> {
    while (running) {
      started += 1;
      void say(client, 5).then((reply) => replies.push(reply));
      await sleep(2);
    }
  }
  const loading = load();
  await eventually(() => expect(replies.length).toBeGreaterThan(100));
  await goes.drain();
  const beforeEnd = started;
  await eventually(() => expect(replies.length).toBeGreaterThan(beforeEnd + 50));
  running = false;
  await loading;
  await eventually(() => expect(replies).toHaveLength(started));
  expect(replies.filter(({ code }) => code !== 'OK')).toEqual([]);
});

describe.concurrent('a grace period', () => {
  it('that is too short is refused at once, with the sum', async () => {
    await expect(startEcho({ terminationGracePeriodMs: 5000, drainDelayMs: 3000 })).rejects.toThrow(
      'grpc-kit: terminationGracePeriodMs is too short: 5000 ms less 3000 ms of drainDelayMs, 1500 ms to end in ' +
        'leave 500 ms for calls in flight, not 1000. ' +
        'Raise it (and terminationGracePeriodSeconds in the pod), or lower the others.',
    );
    await expect(
      startEcho({
        terminationGracePeriodMs: 10_000,
        preStopMs: 4000,
        drainDelayMs: 3000,
        onDrained: () => {},
      }),
    ).rejects.toThrow(
      /4000 ms of preStopMs, 3000 ms of drainDelayMs, 1000 ms for onDrained, .* leave 500 ms/,
    );
    await expect(startEcho({ drainTimeoutMs: 28_501 })).rejects.toThrow(
      'leave 28500 ms for calls in flight, not 28501',
    );
  });

  it('is shared out', () => {
    expect(drainTimes({}, false)).toEqual({ delayMs: 5000, callsMs: 23_500, totalMs: 29_000 });
    expect(drainTimes({}, true)).toEqual({ delayMs: 5000, callsMs: 22_500, totalMs: 29_000 });
    const all = { terminationGracePeriodMs: 60_000, preStopMs: 9000, drainDelayMs: 0, drainTimeoutMs: 700 };
    expect(drainTimes(all, false)).toEqual({ delayMs: 0, callsMs: 700, totalMs: 50_000 });
  });

  it('that is just long enough is not', async () => {
    for (const options of [
      { terminationGracePeriodMs: 5500, drainDelayMs: 3000 },
      { drainTimeoutMs: 28_500 },
      { terminationGracePeriodMs: 1500, drainTimeoutMs: 0 },
    ]) {
      await using server = await startEcho(options);
      expect(server.state).toBe('serving');
    }
  });
});

describe.concurrent('closing', () => {
  it('cuts what is open, at once', async () => {
    const seen = counts();
    const server = await startEcho({}, seen);
    using client = openEcho(server.target);
    const call = say(client, 9000);
    await eventually(() => expect(seen.started).toBe(1));
    const stream = listen(client.repeat({ text: 'hi' }));
    await eventually(() => expect(stream.messages).toHaveLength(1));
    expect(await timed(server.close())).toBeLessThan(8000);
    expect(server.state).toBe('closed');
    expect((await call).code).toBe('CANCELLED');
    await eventually(() => expect(stream.code).toBe('CANCELLED'));
    await server[Symbol.asyncDispose]();
  });

  it('does not wait for a peer that keeps its side open', async () => {
    const server = await startEcho();
    const peer = connectTcp({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    await new Promise((resolve) => peer.once('data', resolve));
    const reset = new Promise<Error>((resolve) => peer.once('error', resolve));
    await server.close();
    // Nobody has the other end any more.
    const writing = setInterval(() => peer.write('x'), 20);
    peer.once('close', () => clearInterval(writing));
    expect(await reset).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
    peer.destroy();
  });

  it('does not wait for a TLS handshake that does not come', async () => {
    const authority = await makeAuthority();
    const server = await startEcho({ tls: await authority.server() });
    const silent = connectTcp({ port: server.port, host: '127.0.0.1' });
    const closed = new Promise((resolve) => silent.once('close', resolve));
    silent.on('error', () => {});
    const secure = connectTls({
      port: server.port,
      host: 'localhost',
      ca: authority.ca,
      ALPNProtocols: ['h2'],
    });
    await new Promise((resolve) => secure.once('secureConnect', resolve));
    await server.close();
    await closed;
    secure.destroy();
  });

  it('cuts connections of a server without channelz, too', async () => {
    const seen = counts();
    const server = await startEcho({ serverOptions: { 'grpc.enable_channelz': 0 } }, seen);
    using client = openEcho(server.target);
    const call = say(client, 9000);
    await eventually(() => expect(seen.started).toBe(1));
    expect(await timed(server.close())).toBeLessThan(8000);
    expect((await call).code).not.toBe('OK');
  });
});
