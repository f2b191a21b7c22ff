import { Server, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { createHealth } from '../../../../services/grpc-kit/src/server/health.ts';
import { addHealthService } from '../../../../services/grpc-kit/src/server/health-service.ts';
import {
  healthOf,
  listen,
  openEcho,
  openHealth,
  type Started,
  say,
  sleep,
  startEcho,
  unary,
} from './echo.ts';
import { eventually } from './eventually.ts';

const statuses = (heard: { messages: { status: string }[] }) => heard.messages.map(({ status }) => status);

describe('health', () => {
  it('is told for the server and each service, and has no effect on calls', async () => {
    await using server = await startEcho();
    using health = openHealth(server.target);
    using client = openEcho(server.target);
    expect(await healthOf(health, '')).toBe('SERVING');
    expect(await healthOf(health, 'test.Echo')).toBe('SERVING');
    expect(await healthOf(health, 'test.Other')).toBe('NOT_FOUND');
    server.health.set('test.Echo', false);
    expect(await healthOf(health, '')).toBe('SERVING');
    expect(await healthOf(health, 'test.Echo')).toBe('NOT_SERVING');
    expect((await say(client)).code).toBe('OK');
    server.health.set('test.Echo', true);
    expect(await healthOf(health, 'test.Echo')).toBe('SERVING');
    expect(server.health.current()).toEqual({ '': true, 'test.Echo': true });
  });

  it('is listed, up to a hundred services', async () => {
    await using server = await startEcho();
    using health = openHealth(server.target);
    server.health.set('test.Echo', false);
    const { answer } = await unary(health, 'list', {});
    expect(answer).toEqual({
      statuses: { '': { status: 'SERVING' }, 'test.Echo': { status: 'NOT_SERVING' } },
    });
    for (let service = 0; service < 99; service += 1) server.health.set(`own.${service}`, true);
    expect((await unary(health, 'list', {})).code).toBe('RESOURCE_EXHAUSTED');
  });

  it('is watched: told at once, and when it changes, and only then', async () => {
    await using server = await startEcho();
    using health = openHealth(server.target);
    const watch = health.watch({ service: 'test.Echo' });
    const heard = listen<{ status: string }>(watch);
    const unknown = listen<{ status: string }>(health.watch({ service: 'own.Thing' }));
    await eventually(() => expect(statuses(heard)).toEqual(['SERVING']));
    await eventually(() => expect(statuses(unknown)).toEqual(['SERVICE_UNKNOWN']));
    server.health.set('test.Echo', true);
    server.health.set('', false);
    server.health.set('test.Echo', false);
    server.health.set('own.Thing', true);
    await eventually(() => expect(statuses(heard)).toEqual(['SERVING', 'NOT_SERVING']));
    await eventually(() => expect(statuses(unknown)).toEqual(['SERVICE_UNKNOWN', 'SERVING']));
    watch.cancel();
    await eventually(() => expect(heard.code).toBe('CANCELLED'));
    server.health.set('test.Echo', true);
    await sleep(50);
    expect(statuses(heard)).toHaveLength(2);
    expect(server.said).toEqual([]);
  });

  it('forgets those who no longer watch, and sends away those who come too late', async () => {
    let watching = 0;
    const state = createHealth([]);
    const counted: typeof state = {
      ...state,
      onChange(listener) {
        const forget = state.onChange(listener);
        watching += 1;
        return () => {
          watching -= 1;
          forget();
        };
      },
    };
    const server = new Server();
    const endWatches = addHealthService(server, counted);
    const port = await new Promise((resolve) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => resolve(bound)),
    );
    using health = openHealth(`127.0.0.1:${port}`);
    const watch = health.watch({ service: '' });
    listen(watch);
    await eventually(() => expect(watching).toBe(1));
    watch.cancel();
    await eventually(() => expect(watching).toBe(0));
    endWatches();
    const late = listen(health.watch({ service: '' }));
    await eventually(() => expect(late.code).toBe('UNAVAILABLE'));
    expect(late.messages).toEqual([]);
    server.forceShutdown();
  });

  it('is not served when it is not wanted', async () => {
    await using server = await startEcho({ health: false });
    using health = openHealth(server.target);
    expect(await healthOf(health, '')).toBe('UNIMPLEMENTED');
  });
});

describe('readiness', () => {
  async function all(server: Started): Promise<unknown[]> {
    using health = openHealth(server.target);
    return [await healthOf(health, ''), await healthOf(health, 'test.Echo'), await healthOf(health, 'live')];
  }

  it('keeps the server and its services NOT_SERVING until it says yes, and whenever it says no', async () => {
    let ready = false;
    await using server = await startEcho({ readiness: async () => ready, readinessIntervalMs: 20 });
    server.health.set('live', true);
    expect(await all(server)).toEqual(['NOT_SERVING', 'NOT_SERVING', 'SERVING']);
    expect(server.health.current()).toEqual({ '': false, 'test.Echo': false, live: true });
    // What is set is kept for later.
    server.health.set('test.Echo', false);
    ready = true;
    await eventually(async () => expect(await all(server)).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']));
    server.health.set('test.Echo', true);
    expect(await all(server)).toEqual(['SERVING', 'SERVING', 'SERVING']);
    ready = false;
    await eventually(async () =>
      expect(await all(server)).toEqual(['NOT_SERVING', 'NOT_SERVING', 'SERVING']),
    );
    expect(server.said).toEqual(['not ready', 'ready', 'not ready']);
  });

  it('is no before the first answer', async () => {
    await using server = await startEcho({ readiness: () => new Promise(() => {}) });
    expect(server.health.current()).toEqual({ '': false, 'test.Echo': false });
  });

  it('is no when it fails or does not answer, which is said once', async () => {
    let answer: () => boolean | Promise<boolean> = () => true;
    await using server = await startEcho({ readiness: () => answer(), readinessIntervalMs: 50 });
    using health = openHealth(server.target);
    const becomes = (status: string) =>
      eventually(async () => expect(await healthOf(health, '')).toBe(status));
    await becomes('SERVING');
    answer = () => {
      throw new Error('no database');
    };
    await becomes('NOT_SERVING');
    await sleep(200);
    answer = () => true;
    await becomes('SERVING');
    let release = (_ready: boolean) => {};
    answer = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    await becomes('NOT_SERVING');
    release(true);
    answer = () => true;
    await becomes('SERVING');
    expect(server.said).toEqual([
      'not ready: readiness() failed: no database',
      'ready',
      'not ready: readiness() has not answered within 50 ms',
      'ready',
    ]);
  });

  it('is asked once a second, and no more once the server is closed', async () => {
    let asked = 0;
    const server = await startEcho({
      readiness: () => {
        asked += 1;
        return true;
      },
    });
    expect(asked).toBe(1);
    await sleep(2300);
    // A busy machine is late.
    expect(asked).toBeGreaterThanOrEqual(2);
    expect(asked).toBeLessThanOrEqual(3);
    await server.close();
    const askedBefore = asked;
    await sleep(1200);
    expect(asked).toBe(askedBefore);
  });
});
