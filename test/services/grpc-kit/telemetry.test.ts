import { status } from '@grpc/grpc-js';
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../../services/grpc-kit/src/index.ts';
import { resolverClosed, resolverFresh, resolverUpdated } from '../../../services/grpc-kit/src/telemetry.ts';
import { eventually } from '../../support/eventually.ts';
import { startBackend } from './backend.ts';
import { EchoService } from './echo-service.ts';
import { script } from './scripted-resolver.ts';

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
  resolverUpdated(target, 'ok', 7);
  resolverUpdated(target, 'ok', 8);
  resolverUpdated(target, 'error', 0);
  resolverUpdated(target, 'ok', 9);
  resolverFresh(target);
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
  resolverClosed(target);
  expect(await ofTarget('grpc_kit.resolver.age')).toEqual([]);
  expect(await ofTarget('grpc_kit.resolver.endpoints')).toEqual([]);
});
