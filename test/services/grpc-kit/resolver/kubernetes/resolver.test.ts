// The resolver as grpc-js sees it.

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CHANNEL_CONTEXT } from '../../../../../services/grpc-kit/src/grpc-experimental.ts';
import type { Logger } from '../../../../../services/grpc-kit/src/logger.ts';
import type { EndpointSlice } from '../../../../../services/grpc-kit/src/resolver/kubernetes/endpoints.ts';
import { KubernetesResolver } from '../../../../../services/grpc-kit/src/resolver/kubernetes/resolver.ts';
import * as telemetry from '../../../../../services/grpc-kit/src/telemetry.ts';
import { eventually } from '../../../../support/eventually.ts';
import { tempDir } from '../../../../support/temp-dir.ts';
import { type FakeApi, fakeApi, pod, slice } from '../fake-api.ts';
import { fakeClock } from '../fake-clock.ts';
import { recorder } from '../recorder.ts';
import { parsed } from '../uri.ts';

vi.mock(import('../../../../../services/grpc-kit/src/telemetry.ts'), { spy: true });

const root = join(import.meta.dirname, '../../../../..');
const TARGET = 'kubernetes:///greeter.shop:grpc';

let temp: Awaited<ReturnType<typeof tempDir>>;
let api: FakeApi;
let resolvers: KubernetesResolver[];
beforeEach(async () => {
  temp = await tempDir();
  api = await fakeApi();
  resolvers = [];
  vi.clearAllMocks();
});
afterEach(async () => {
  for (const resolver of resolvers) resolver.destroy();
  await api[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

function resolver(target = TARGET, logger?: Logger) {
  const seen = recorder();
  const context = { logger: logger ?? seen.logger, kubernetes: { kubeconfig: api.kubeconfig(temp.path) } };
  const made = new KubernetesResolver(parsed(target), seen.listener, { [CHANNEL_CONTEXT]: context });
  resolvers.push(made);
  const sees = (now: string) =>
    eventually(
      () => seen.now === now,
      () => [seen.publishes, seen.lines],
    );
  return { made, seen, sees };
}

/** Started, and watching. */
async function watching(target = TARGET) {
  const all = resolver(target);
  all.made.updateResolution();
  await eventually(() => api.watches.size === 1);
  return all;
}

describe('what the channel is told', () => {
  it('is the endpoints, where they are, and a note', async () => {
    api.put(
      slice('a', ['10.0.0.2', pod('10.0.0.3', { conditions: { ready: false } })]),
      slice('b', ['10.0.0.1']),
    );
    const { seen, sees, made } = resolver();
    made.updateResolution();
    // Never from within.
    expect(seen.publishes).toEqual([]);
    await sees('10.0.0.1:50051 10.0.0.2:50051');
    expect(seen.last?.note).toBe('Service greeter.shop has 2 ready endpoints, 1 not ready, 0 terminating');
    expect(seen.last?.localities?.get('10.0.0.1:50051')).toEqual({ node: 'node-a', zone: 'zone-a' });
    expect(seen.publishes).toHaveLength(1);
    expect(seen.lines).toEqual([]);
    expect(telemetry.resolverUpdated).toHaveBeenCalledExactlyOnceWith(TARGET, 'ok', 2);
    expect(telemetry.resolverFresh).toHaveBeenCalledWith(TARGET);
  });

  it('is an error that says why there is nothing, never an empty list; said once, and when it is over', async () => {
    const { seen, sees } = await watching();
    const failed = `Name resolution failed for target ${TARGET}: Service greeter.shop`;
    await sees(`${failed} has no EndpointSlices: does the Service exist?`);
    expect(seen.last?.code).toBe(status.UNAVAILABLE);
    api.put(slice('a', [pod('10.0.0.1', { conditions: { ready: false } })]));
    await sees(`${failed} has no endpoint that is ready: 1 not ready, 0 terminating`);
    api.put(slice('a', ['10.0.0.1']));
    await sees('10.0.0.1:50051');
    api.put(slice('a', ['10.0.0.1'], { ports: [{ name: 'http', port: 80 }] }));
    await sees(`${failed} has no port grpc: its ports are http (80)`);
    expect(seen.publishes.some(({ endpoints }) => endpoints?.length === 0)).toBe(false);
    expect(seen.lines).toEqual([
      `warn ${TARGET}: Service greeter.shop has no EndpointSlices: does the Service exist?`,
      expect.stringMatching(/^info kubernetes:\/\/\/greeter.shop:grpc has endpoints again after \d+\.\d s$/),
      `warn ${TARGET}: Service greeter.shop has no port grpc: its ports are http (80)`,
    ]);
    expect(telemetry.resolverUpdated).toHaveBeenLastCalledWith(TARGET, 'error', 0);
  });

  it('is the reason when there was no list yet, then the endpoints', async () => {
    await api.stop();
    const { seen, sees, made } = resolver();
    made.updateResolution();
    await eventually(() => seen.now.includes('ECONNREFUSED'));
    expect(seen.now).toMatch(
      /^Name resolution failed for target kubernetes:\/\/\/greeter.shop:grpc: Kubernetes API http/,
    );
    await delay(300);
    expect(seen.publishes).toHaveLength(1);
    api.put(slice('a', ['10.0.0.1']));
    await api.start();
    await sees('10.0.0.1:50051');
    // Of the list that could not be had the watch speaks, and nobody else.
    await eventually(() => seen.lines.length === 2);
    expect(seen.lines[0]).toMatch(/^warn EndpointSlices of greeter.shop cannot be read/);
    expect(seen.lines[1]).toMatch(/^info EndpointSlices of greeter.shop can be watched again/);
  });

  it('is what is wrong with the configuration', async () => {
    const seen = recorder();
    const context = { logger: seen.logger, kubernetes: { kubeconfig: '/nowhere' } };
    const made = new KubernetesResolver(parsed(TARGET), seen.listener, { [CHANNEL_CONTEXT]: context });
    resolvers.push(made);
    made.updateResolution();
    await eventually(() => seen.publishes.length === 1);
    expect(seen.now).toMatch(
      /: not in a pod \(KUBERNETES_SERVICE_HOST is not set\), and no kubeconfig at \/nowhere$/,
    );
  });

  it('is of the own namespace when the target names none', async () => {
    api.put(slice('a', ['10.0.0.1']));
    const { sees } = await watching('kubernetes:///greeter:50051');
    await sees('10.0.0.1:50051');
  });
});

describe('when', () => {
  it('new endpoints come at once, vanished ones after 40 ms, those not ready go at once, and moving ones stay', async () => {
    api.put(slice('a', ['10.0.0.1', '10.0.0.2']));
    using clock = fakeClock();
    const { made, seen } = resolver();
    made.updateResolution();
    await clock.until(() => api.watches.size === 1);
    clock.pass(50);
    /** Until what was put has arrived. */
    const arrives = async (...slices: EndpointSlice[]) => {
      const heard = vi.mocked(telemetry.resolverFresh).mock.calls.length;
      api.put(...slices);
      await clock.until(() => vi.mocked(telemetry.resolverFresh).mock.calls.length > heard);
    };

    await arrives(slice('a', ['10.0.0.1', '10.0.0.2', '10.0.0.3']));
    expect(seen.now).toBe('10.0.0.1:50051 10.0.0.2:50051 10.0.0.3:50051');
    clock.pass(50);

    await arrives(slice('a', ['10.0.0.2', '10.0.0.3']));
    clock.pass(39);
    expect(seen.publishes).toHaveLength(2);
    clock.pass(1);
    expect(seen.now).toBe('10.0.0.2:50051 10.0.0.3:50051');
    clock.pass(50);

    const going = { conditions: { ready: false, serving: true, terminating: true } };
    await arrives(slice('a', [pod('10.0.0.2', going), '10.0.0.3']));
    expect(seen.now).toBe('10.0.0.3:50051');
    clock.pass(50);
    await arrives(slice('a', ['10.0.0.2', '10.0.0.3']));
    expect(seen.now).toBe('10.0.0.2:50051 10.0.0.3:50051');
    clock.pass(50);

    // From one slice to another and back, in the worse order.
    await arrives(slice('a', ['10.0.0.3']));
    clock.pass(30);
    await arrives(slice('b', ['10.0.0.2']));
    clock.pass(100);
    await arrives(slice('b', []));
    clock.pass(30);
    await arrives(slice('a', ['10.0.0.2', '10.0.0.3']));
    clock.pass(100);
    expect(seen.publishes).toHaveLength(5);
  });

  it('flapping endpoints do not make for more than one publish in 10 ms, and what they end in is what counts', async () => {
    const { seen, sees } = await watching();
    for (let round = 0; round < 100; round += 1) {
      api.put(
        slice(
          'a',
          [1, 2, 3].filter((pod) => (round >> pod) % 2 === 0).map((pod) => `10.0.${round % 7}.${pod}`),
        ),
      );
      await delay(4);
    }
    api.put(slice('a', ['10.9.9.9']));
    await sees('10.9.9.9:50051');
    const gaps = seen.publishes.length - 1;
    expect(gaps).toBeGreaterThan(3);
    // All of them together: a busy machine may hear of one late.
    const spanMs = (seen.publishes.at(-1)?.atMs ?? 0) - (seen.publishes[0]?.atMs ?? 0);
    expect(spanMs).toBeGreaterThanOrEqual((gaps - 1) * 10);
  });
});

describe('an API that comes and goes', () => {
  it('leaves the endpoints as they are, and a Service made anew meanwhile is found', async () => {
    api.put(slice('a', ['10.0.0.1', '10.0.0.2']));
    const { seen, sees } = await watching();
    await sees('10.0.0.1:50051 10.0.0.2:50051');
    await api.stop();
    await delay(400);
    api.remove('a');
    api.put(slice('other', ['10.0.0.7', '10.0.0.2']));
    api.expire();
    expect(seen.publishes).toHaveLength(1);
    await api.start();
    await sees('10.0.0.2:50051 10.0.0.7:50051');
    await eventually(() => seen.lines.length === 2);
    expect(seen.publishes.every(({ endpoints }) => endpoints?.includes('10.0.0.2:50051'))).toBe(true);
  });

  it('is asked again when the channel loses connections', async () => {
    await api.stop();
    using clock = fakeClock();
    const { made, seen } = resolver();
    made.updateResolution();
    // Until it waits for more than 10 s.
    for (let count = 1; clock.waits(10_001, 30_000).length === 0; count += 1) {
      await clock.until(() => vi.getTimerCount() === 1);
      if (clock.waits(10_001, 30_000).length > 0) break;
      clock.pass(10_000);
      expect(count).toBeLessThan(20);
    }
    api.put(slice('a', ['10.0.0.1']));
    await api.start();
    made.updateResolution();
    clock.pass(2000);
    await clock.until(
      () => seen.now === '10.0.0.1:50051',
      () => seen.now,
    );
  });
});

describe('channels', () => {
  it('share one watch and one list, and each is told', async () => {
    api.put(slice('a', ['10.0.0.1']));
    const first = await watching();
    await first.sees('10.0.0.1:50051');
    const second = resolver(TARGET, first.seen.logger);
    const third = resolver('kubernetes:///greeter.shop:50051', first.seen.logger);
    second.made.updateResolution();
    third.made.updateResolution();
    expect(second.seen.publishes).toEqual([]);
    expect(third.seen.publishes).toEqual([]);
    await second.sees('10.0.0.1:50051');
    await third.sees('10.0.0.1:50051');
    expect(api.requests.map(({ kind }) => kind)).toEqual(['list', 'watch']);
    expect(telemetry.resolverUpdated).toHaveBeenCalledTimes(2);
    api.put(slice('a', ['10.0.0.2']));
    await Promise.all([first, second, third].map(({ sees }) => sees('10.0.0.2:50051')));

    // The same logger is told once.
    await api.stop();
    await eventually(() => first.seen.lines.length > 0);
    await delay(200);
    expect(first.seen.lines).toHaveLength(1);
    await api.start();
    await eventually(() => api.watches.size === 1);

    first.made.destroy();
    expect(telemetry.resolverClosed).not.toHaveBeenCalled();
    api.put(slice('a', ['10.0.0.3']));
    await second.sees('10.0.0.3:50051');
    expect(first.seen.now).toBe('10.0.0.2:50051');
    second.made.destroy();
    expect(telemetry.resolverClosed).toHaveBeenCalledExactlyOnceWith(TARGET);
    third.made.destroy();
    await eventually(() => api.sockets.size === 0);
  });

  it('come to rest when destroyed, and begin anew when asked', async () => {
    api.put(slice('a', ['10.0.0.1']));
    const { made, seen, sees } = await watching();
    await sees('10.0.0.1:50051');
    const heard = vi.mocked(telemetry.resolverFresh).mock.calls.length;
    api.put(slice('a', []));
    // It has arrived, and waits to be published.
    await eventually(() => vi.mocked(telemetry.resolverFresh).mock.calls.length > heard);
    made.destroy();
    made.destroy();
    await eventually(() => api.sockets.size === 0);
    await delay(100);
    expect(seen.publishes).toHaveLength(1);
    expect(telemetry.resolverUpdated).toHaveBeenCalledTimes(1);
    api.put(slice('a', ['10.0.0.5']));
    made.updateResolution();
    await sees('10.0.0.5:50051');
    expect(seen.publishes).toHaveLength(2);
    expect(api.lists()).toBe(2);
  });

  it('can be destroyed before anything began, and from within', async () => {
    const { made, seen } = resolver();
    made.updateResolution();
    made.destroy();
    await delay(50);
    expect(api.requests).toEqual([]);
    expect(seen.publishes).toEqual([]);

    api.put(slice('a', ['10.0.0.1']));
    let calls = 0;
    const context = { logger: seen.logger, kubernetes: { kubeconfig: api.kubeconfig(temp.path) } };
    const suicidal = new KubernetesResolver(
      parsed(TARGET),
      () => {
        calls += 1;
        suicidal.destroy();
        return true;
      },
      { [CHANNEL_CONTEXT]: context },
    );
    suicidal.updateResolution();
    await eventually(() => calls === 1);
    await eventually(() => api.sockets.size === 0);

    // And when it is told in the moment in which it joins.
    const other = await watching('kubernetes:///greeter.shop:50051');
    suicidal.updateResolution();
    await eventually(() => calls === 2);
    api.put(slice('a', ['10.0.0.2']));
    await other.sees('10.0.0.2:50051');
    expect(calls).toBe(2);
    other.made.destroy();
    await eventually(() => api.sockets.size === 0);
  });

  it("hear of it when another channel fails to take it, which is that one's fault alone", async () => {
    const uncaught: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      const context = { logger: recorder().logger, kubernetes: { kubeconfig: api.kubeconfig(temp.path) } };
      const faulty = new KubernetesResolver(
        parsed(TARGET),
        () => {
          throw new Error('faulty');
        },
        { [CHANNEL_CONTEXT]: context },
      );
      resolvers.push(faulty);
      faulty.updateResolution();
      const { sees, seen } = await watching();
      api.put(slice('a', ['10.0.0.1']));
      await sees('10.0.0.1:50051');
      expect(uncaught).toEqual([new Error('faulty'), new Error('faulty')]);
      expect(seen.lines.filter((line) => line.includes('faulty'))).toEqual([]);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  it.each(['watches', 'waits for the API'])('do not keep the process alive while it %s', async (what) => {
    if (what !== 'watches') await api.stop();
    api.put(slice('a', ['10.0.0.1']));
    const program = `
      const { KubernetesResolver } = await import('./services/grpc-kit/src/resolver/kubernetes/resolver.ts');
      const target = { scheme: 'kubernetes', authority: '', path: 'greeter.shop:grpc' };
      const alive = setInterval(() => {}, 1000);
      const listener = () => {
        console.log('resolved');
        setTimeout(clearInterval, 300, alive);
        return true;
      };
      new KubernetesResolver(target, listener, {}).updateResolution();
    `;
    const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      env: { KUBECONFIG: api.kubeconfig(temp.path) },
      timeout: 20_000,
    });
    expect(stdout).toBe('resolved');
  });
});
