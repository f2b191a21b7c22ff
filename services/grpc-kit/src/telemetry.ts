// What grpc-kit measures, through OpenTelemetry's API alone: without an SDK in the process all of this does nothing.
// Names and units of calls are those of gRPC's own metrics where they have one (gRPC proposals A66 and A94), the rest
// is under `grpc_kit.`.
import { connectivityState, status } from '@grpc/grpc-js';
import {
  createNoopMeter,
  type Meter,
  type MeterProvider,
  metrics,
  type ObservableResult,
} from '@opentelemetry/api';

type Instruments = ReturnType<typeof createInstruments>;
let provider: MeterProvider | undefined;
let instruments: Instruments | undefined;
let heard = false;

const refreshedMs = new Map<string, number>();
const endpointCounts = new Map<string, number>();
const connections = new Map<object, { target: string; counts: ReadonlyMap<connectivityState, number> }>();

/** The API has no stand-in for meters: those that were made before the SDK was registered stay silent for good. */
function current(): Instruments {
  const latest = metrics.getMeterProvider();
  if (instruments === undefined || latest !== provider) {
    provider = latest;
    const meter = latest.getMeter('@grpc-kind-lab/grpc-kit');
    heard = meter !== createNoopMeter();
    instruments = createInstruments(meter);
  }
  return instruments;
}

function createInstruments(meter: Meter) {
  meter
    .createObservableGauge('grpc_kit.resolver.age', {
      unit: 's',
      description: 'Time since the address list of a target was last known to be up to date',
    })
    .addCallback((result) => {
      for (const [target, atMs] of refreshedMs) {
        result.observe((performance.now() - atMs) / 1000, { 'grpc.target': target });
      }
    });
  meter
    .createObservableGauge('grpc_kit.resolver.endpoints', {
      unit: '{endpoint}',
      description: 'Endpoints in the address list of a target',
    })
    .addCallback((result) => {
      for (const [target, count] of endpointCounts) result.observe(count, { 'grpc.target': target });
    });
  meter
    .createObservableGauge('grpc_kit.connections', {
      unit: '{connection}',
      description: 'Connections of a target, by connectivity state',
    })
    .addCallback(observeConnections);
  return {
    calls: meter.createHistogram('grpc.client.call.duration', {
      unit: 's',
      description: 'End-to-end time of a call, its retries included',
    }),
    updates: meter.createCounter('grpc_kit.resolver.updates', {
      unit: '{update}',
      description: 'Address lists, and errors instead of one, that a resolver handed to its channel',
    }),
  };
}

function observeConnections(result: ObservableResult): void {
  const sums = new Map<string, Map<connectivityState, number>>();
  for (const { target, counts } of connections.values()) {
    const sum = sums.get(target) ?? new Map<connectivityState, number>();
    for (const [state, count] of counts) sum.set(state, (sum.get(state) ?? 0) + count);
    sums.set(target, sum);
  }
  for (const [target, sum] of sums) {
    for (const [state, count] of sum) {
      const name = connectivityState[state];
      result.observe(count, { 'grpc.target': target, 'grpc_kit.connectivity_state': name });
    }
  }
}

/** Whether there is an SDK that hears of calls: without one they need not be described. */
export function isMeasured(): boolean {
  current();
  return heard;
}

/** A call has ended. `peer` is the address of its last attempt, where there was one. */
export function callEnded(
  call: { method: string; target: string; code: status; peer: string | undefined },
  durationMs: number,
): void {
  current().calls.record(durationMs / 1000, {
    'grpc.method': call.method,
    'grpc.target': call.target,
    'grpc.status': status[call.code] ?? String(call.code),
    ...(call.peer !== undefined && { 'network.peer.address': call.peer }),
  });
}

/** A resolver gave its channel a list of so many endpoints, or an error. */
export function resolverUpdated(target: string, outcome: 'ok' | 'error', endpoints: number): void {
  endpointCounts.set(target, endpoints);
  current().updates.add(1, { 'grpc.target': target, 'grpc_kit.outcome': outcome });
}

/** What a resolver knows of a target was up to date at this moment. */
export function resolverFresh(target: string): void {
  refreshedMs.set(target, performance.now());
}

/** A resolver was closed; nothing is known of its target any more. */
export function resolverClosed(target: string): void {
  refreshedMs.delete(target);
  endpointCounts.delete(target);
}

/** A policy's connections changed their states. */
export function connectionsChanged(
  policy: object,
  target: string,
  counts: ReadonlyMap<connectivityState, number>,
): void {
  connections.set(policy, { target, counts });
}

export function connectionsClosed(policy: object): void {
  connections.delete(policy);
}
