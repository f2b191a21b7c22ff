import { describe, expect, it } from 'vitest';
import type { HelloEvent, ServerEvent } from '../../services/protocol/index.ts';
import { greet, healthOf, openGreeter, openHealth, openReflection, type Reply } from './grpc-clients.ts';
import { startServer, until } from './harness.ts';

type StreamEvent = HelloEvent | ServerEvent;

const phasesOf = (events: StreamEvent[]) =>
  events.flatMap((event) => (event.type === 'lifecycle' ? [event.phase] : []));
const finalOf = (events: StreamEvent[]) =>
  events.find((event) => event.type === 'counters' && event.final) as Extract<
    ServerEvent,
    { type: 'counters' }
  >;

describe.concurrent('SIGTERM', () => {
  it('drains in order: NOT_SERVING, still serving, calls in flight end, exit 0', async () => {
    await using server = await startServer({ DRAIN_DELAY_MS: '2500', INITIAL_LATENCY_MS: '500' });
    using client = openGreeter(server.target);
    using health = openHealth(server.target);
    const stream = await server.openEvents<StreamEvent>();
    const seen = (phase: string) =>
      until(phase, () => phasesOf(stream.events).some((told) => told === phase));
    await greet(client);

    server.kill('SIGTERM');
    await seen('not-serving');
    server.kill('SIGTERM');
    expect(await healthOf(health, '')).toBe('NOT_SERVING');
    expect(await healthOf(health, 'greet.Greeter')).toBe('NOT_SERVING');
    // What is set now does not put a draining pod back into the endpoints.
    await server.ask('PATCH', '/behaviour', { serving: { '': true } });
    expect(await healthOf(health, '')).toBe('NOT_SERVING');
    health.close();

    const replies: (Reply & { afterShutdown: boolean })[] = [];
    let started = 0;
    const shutting = () => phasesOf(stream.events).includes('shutting-down');
    await until('the server shuts down', () => {
      if (shutting()) return true;
      started += 1;
      void greet(client).then((reply) => replies.push({ ...reply, afterShutdown: shutting() }));
      return false;
    });
    await until('all calls have ended', () => replies.length === started);
    expect(await server.exited()).toMatchObject({ exitCode: 0 });

    // Those of the last moments may have been sent when it had just shut down.
    const early = replies.filter(({ afterShutdown }) => !afterShutdown);
    const inFlight = replies.filter(({ afterShutdown, code }) => afterShutdown && code === 'OK');
    expect(early.map(({ code }) => code)).toEqual(early.map(() => 'OK'));
    expect(early.length).toBeGreaterThan(5);
    expect(inFlight.length).toBeGreaterThan(5);
    await until('the stream has ended', () => stream.ended);
    expect(stream.ended).toBe('well');
    expect(phasesOf(stream.events)).toEqual(['sigterm', 'not-serving', 'shutting-down', 'done']);
    expect(stream.events.at(-1)).toMatchObject({ type: 'counters', final: true });
    const ok = 1 + replies.filter(({ code }) => code === 'OK').length;
    expect(finalOf(stream.events).clients['']).toMatchObject({ ok });
  });

  it('tells a reader that comes late what has happened', async () => {
    await using server = await startServer({ DRAIN_DELAY_MS: '1500' });
    server.kill('SIGTERM');
    await until('it drains', () => server.output().includes('sigterm'));
    const stream = await server.openEvents<StreamEvent>();
    await until('the past', () => phasesOf(stream.events).length >= 2);
    expect(phasesOf(stream.events)).toEqual(['sigterm', 'not-serving']);
    stream.close();
  });

  it('waits for an open stream only as long as DRAIN_TIMEOUT_MS, and not for one that watches health', async () => {
    async function shutdownMs(stream?: 'health' | 'reflection'): Promise<number> {
      await using server = await startServer({ DRAIN_DELAY_MS: '0', DRAIN_TIMEOUT_MS: '4000' });
      using health = openHealth(server.target);
      using reflection = openReflection(server.target);
      const opened =
        stream === 'health' ? health.watch({ service: '' }) : stream && reflection.ServerReflectionInfo();
      if (opened) {
        opened.on('error', () => {});
        if (stream === 'reflection') opened.write({ list_services: '' });
        await new Promise((resolve) => opened.once('data', resolve));
      }
      const startMs = performance.now();
      server.kill('SIGTERM');
      expect(await server.exited()).toMatchObject({ exitCode: 0 });
      return performance.now() - startMs;
    }
    expect(await shutdownMs()).toBeLessThan(3900);
    expect(await shutdownMs('health')).toBeLessThan(3900);
    const held = await shutdownMs('reflection');
    expect(held).toBeGreaterThan(3990);
    expect(held).toBeLessThan(10_000);
  });

  /** SIGTERM with one call in flight. */
  async function terminated(mode: string) {
    await using server = await startServer({ DRAIN: mode, INITIAL_LATENCY_MS: '20000' });
    using client = openGreeter(server.target);
    const stream = await server.openEvents<StreamEvent>();
    const call = greet(client, 25_000);
    await until('the call is in flight', async () => (await server.ask('GET', '/counters'))['']);
    const startMs = performance.now();
    server.kill('SIGTERM');
    const exit = await server.exited();
    const ms = performance.now() - startMs;
    await until('the stream has ended', () => stream.ended);
    return { exit, ms, stream, reply: await call };
  }

  it('with DRAIN=none exits at once and loses the call in flight, uncounted', async () => {
    const { exit, ms, stream, reply } = await terminated('none');
    expect(exit).toMatchObject({ exitCode: 0 });
    expect(ms).toBeLessThan(10_000);
    expect(reply.code).toBe('UNAVAILABLE');
    expect(finalOf(stream.events)).toBeUndefined();
    expect(stream.ended).toBe('broken');
  });

  it('with DRAIN=force cancels the call in flight and counts it as failed', async () => {
    const { exit, ms, stream, reply } = await terminated('force');
    expect(exit).toMatchObject({ exitCode: 0 });
    expect(ms).toBeLessThan(10_000);
    expect(reply.code).toBe('CANCELLED');
    expect(phasesOf(stream.events)).toEqual(['sigterm', 'shutting-down', 'done']);
    expect(finalOf(stream.events).clients['']).toEqual({ startedByPreviousAttempts: [1], ok: 0, failed: 1 });
    expect(stream.ended).toBe('well');
  });
});
