import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { status } from '@grpc/grpc-js';
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createClient } from '../../../services/grpc-kit/src/index.ts';
import * as telemetry from '../../../services/grpc-kit/src/telemetry.ts';
import { eventually } from '../../support/eventually.ts';
import { startBackend } from './backend.ts';
import { EchoService } from './echo-service.ts';
import { script } from './scripted-resolver.ts';

vi.mock(import('../../../services/grpc-kit/src/telemetry.ts'), { spy: true });

const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const provider = new MeterProvider({ readers: [reader] });

beforeAll(() => {
  metrics.setGlobalMeterProvider(provider);
});
afterAll(() => provider.shutdown());

/** Data points of a metric as they are now. */
async function points(name: string): Promise<{ attributes: Record<string, unknown>; value: unknown }[]> {
  exporter.reset();
  await reader.forceFlush();
  return exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap((scope) => scope.metrics)
    .filter(({ descriptor }) => descriptor.name === name)
    .flatMap(({ dataPoints }) => dataPoints as { attributes: Record<string, unknown>; value: unknown }[]);
}

test('calls by method, target, status and peer, with their durations', async () => {
  await using backend = await startBackend();
  const target = `ipv4:${backend.address}`;
  await using client = createClient(EchoService, target);
  await client.unary({ text: '' });
  await client.unary({ text: '' });
  backend.behaviour.fail = status.NOT_FOUND;
  await client.unary({ text: '' }).catch(() => {});
  const calls = await points('grpc.client.call.duration');
  const ofTarget = calls.filter(({ attributes }) => attributes['grpc.target'] === target);
  expect(ofTarget.map(({ attributes, value }) => [attributes, (value as { count: number }).count])).toEqual([
    [
      {
        'grpc.method': 'test.Echo/Unary',
        'grpc.target': target,
        'grpc.status': 'OK',
        'network.peer.address': backend.address,
      },
      2,
    ],
    [
      {
        'grpc.method': 'test.Echo/Unary',
        'grpc.target': target,
        'grpc.status': 'NOT_FOUND',
        'network.peer.address': backend.address,
      },
      1,
    ],
  ]);
  expect(ofTarget[0]).toMatchObject({ value: { sum: expect.toSatisfy((sum: number) => sum < 10) } });
});

test('connections by state', async () => {
  await using backend = await startBackend();
  const gone = await startBackend();
  await gone[Symbol.asyncDispose]();
  const source = script();
  const states = async () =>
    Object.fromEntries(
      (await points('grpc_kit.connections'))
        .filter(({ attributes }) => attributes['grpc.target'] === source.target)
        .map(({ attributes, value }) => [attributes['grpc_kit.connectivity_state'], value]),
    );
  {
    await using client = createClient(EchoService, source.target);
    source.give([{ address: backend.address }, { address: gone.address }]);
    await client.unary({ text: '' }, { waitForReady: true });
    await eventually(() => backend.connections() === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await states()).toEqual({ READY: 1, TRANSIENT_FAILURE: 1 });
  }
  expect(await states()).toEqual({});
});

test('updates of a resolver, the size of its list, and how old what it knows is', async () => {
  const target = 'kubernetes:///greeter.test:grpc';
  const ofTarget = async (name: string) =>
    (await points(name)).filter(({ attributes }) => attributes['grpc.target'] === target);
  telemetry.resolverUpdated(target, 'ok', 7);
  telemetry.resolverUpdated(target, 'ok', 8);
  telemetry.resolverUpdated(target, 'error', 0);
  telemetry.resolverUpdated(target, 'ok', 9);
  telemetry.resolverFresh(target);
  await new Promise((resolve) => setTimeout(resolve, 60));
  const updates = await ofTarget('grpc_kit.resolver.updates');
  expect(updates.map(({ attributes, value }) => [attributes['grpc_kit.outcome'], value])).toEqual([
    ['ok', 3],
    ['error', 1],
  ]);
  expect((await ofTarget('grpc_kit.resolver.endpoints')).map(({ value }) => value)).toEqual([9]);
  const [age] = await ofTarget('grpc_kit.resolver.age');
  expect(age?.value).toBeGreaterThan(0.055);
  expect(age?.value).toBeLessThan(5);
  telemetry.resolverClosed(target);
  expect(await ofTarget('grpc_kit.resolver.age')).toEqual([]);
  expect(await ofTarget('grpc_kit.resolver.endpoints')).toEqual([]);
});

test('a policy that ends while it connects tells of no connection afterwards', async () => {
  // It takes connections, and says nothing on them.
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const source = script();
  const client = createClient(EchoService, source.target);
  client.channels[0]?.getConnectivityState(true);
  source.give([{ address: `127.0.0.1:${port}` }]);
  await eventually(() => vi.mocked(telemetry.connectionsChanged).mock.calls.length > 0);
  await client.close({ timeoutMs: 0 });
  expect(telemetry.connectionsClosed).toHaveBeenCalled();
  vi.mocked(telemetry.connectionsChanged).mockClear();
  // pick_first's timer of a connection under way is 250 ms.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(telemetry.connectionsChanged).not.toHaveBeenCalled();
  silent.close();
});
