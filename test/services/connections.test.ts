import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../services/protocol/index.ts';
import { healthOf, openHealth } from './grpc-clients.ts';
import { startClient, startServer, until } from './harness.ts';

const retry = {
  maxAttempts: 3,
  initialBackoffMs: 10,
  maxBackoffMs: 100,
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE'],
};

describe.concurrent('max connection age', () => {
  async function resolutions(env: Record<string, string>): Promise<{ count: number; codes: object }> {
    await using server = await startServer(env);
    await using client = await startClient();
    const stream = await client.openEvents<AgentEvent>();
    await client.ask('POST', '/workloads', {
      id: 'w',
      target: `dns:///localhost:${server.grpcPort}`,
      ratePerSecond: 100,
      retry,
      channelOptions: { 'grpc.dns_min_time_between_resolutions_ms': 100 },
    });
    await until('350 calls', () => stream.events.filter(({ type }) => type === 'call').length >= 350);
    const { codes } = await client.ask('DELETE', '/workloads/w');
    return { count: stream.events.filter(({ type }) => type === 'resolved').length, codes };
  }

  it('makes a client resolve and connect again, without a failed call', async () => {
    const { count, codes } = await resolutions({ GRPC_MAX_CONNECTION_AGE_MS: '800' });
    expect(count).toBeGreaterThanOrEqual(3);
    expect(Object.keys(codes)).toEqual(['OK']);
  });

  it('shows in what the client tells of its connectivity, one connection after the other', async () => {
    await using server = await startServer({ GRPC_MAX_CONNECTION_AGE_MS: '800' });
    await using client = await startClient();
    const stream = await client.openEvents<AgentEvent>();
    await client.ask('POST', '/workloads', { id: 'w', target: server.target, ratePerSecond: 50 });
    const states = () =>
      stream.events.flatMap((event) => (event.type === 'connectivity' ? [event] : [])).slice(0, 5);
    await until('the second connection', () => states().length === 5);
    await client.ask('DELETE', '/workloads/w');
    expect(states().map(({ state }) => state)).toEqual([
      'CONNECTING',
      'READY',
      'IDLE',
      'CONNECTING',
      'READY',
    ]);
    const [, ready, left] = states();
    expect((left?.atMs ?? 0) - (ready?.atMs ?? 0)).toBeGreaterThan(600);
    expect(new Set(states().map(({ subchannel }) => subchannel)).size).toBe(1);
  });

  it('is off unless it is set', async () => {
    const { count, codes } = await resolutions({ GRPC_MAX_CONNECTION_AGE_MS: '' });
    expect(count).toBe(1);
    expect(Object.keys(codes)).toEqual(['OK']);
  });
});

describe('the limit of concurrent streams', () => {
  it('queues calls in the client', async () => {
    await using server = await startServer({ GRPC_MAX_CONCURRENT_STREAMS: '2', INITIAL_LATENCY_MS: '200' });
    using health = openHealth(server.target);
    // The limit is known once the connection has been used.
    await healthOf(health, '');
    await using client = await startClient();
    await client.ask('POST', '/workloads', {
      id: 'w',
      target: server.target,
      ratePerSecond: 100,
      deadlineMs: 900,
    });
    await until(
      'calls time out',
      async () => (await client.ask('GET', '/workloads/w')).codes.DEADLINE_EXCEEDED > 20,
    );
    await client.ask('DELETE', '/workloads/w');
  });
});
