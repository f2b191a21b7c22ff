import { createServer, constants as http2 } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  type AgentEvent,
  CALL_METADATA,
  type CallEvent,
  type HelloEvent,
  type ServerEvent,
} from '../../services/protocol/index.ts';
import { startClient, startServer, until } from './harness.ts';

type StreamEvent = HelloEvent | AgentEvent;
const isCall = (event: StreamEvent): event is CallEvent => event.type === 'call';

describe.concurrent('the event stream of greeter-client', () => {
  it('is complete, and goes on where its reader left off', async () => {
    await using server = await startServer();
    await using client = await startClient({ NODE_NAME: 'node-1' });
    await client.ask('POST', '/workloads', { id: 'w', target: server.target, ratePerSecond: 500 });
    const first = await client.openEvents<StreamEvent>();
    await until('100 calls', () => first.events.filter(isCall).length >= 100);
    first.close();
    const { boot } = await client.ask('GET', '/time');
    expect(first.events[0]).toMatchObject({ type: 'hello', boot, pod: 'client-0', node: 'node-1', from: 0 });
    expect(first.events[1]).toMatchObject({ type: 'workload', phase: 'started' });

    const from = first.events.length - 1;
    const second = await client.openEvents<StreamEvent>(`/events?from=${from}`);
    await until('100 more', () => second.events.filter(isCall).length >= 100);
    const { ended } = await client.ask('DELETE', '/workloads/w');
    await until('the end', () => second.events.some((event) => event.type === 'workload'));
    expect(second.events[0]).toMatchObject({ type: 'hello', from });
    expect(second.events.at(-1)).toMatchObject({ type: 'workload', phase: 'stopped' });
    const calls = [...first.events, ...second.events].filter(isCall);
    expect(calls.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(
      Array.from({ length: ended }, (_, seq) => seq),
    );
    second.close();
  });

  it('says how many events it does not have any more', async () => {
    await using server = await startServer();
    await using client = await startClient({ EVENTS_KEPT: '50' });
    await client.ask('POST', '/workloads', { id: 'w', target: server.target, ratePerSecond: 500 });
    await until('200 calls', async () => (await client.ask('GET', '/workloads/w')).ended >= 200);
    const { ended } = await client.ask('DELETE', '/workloads/w');
    const { events, close } = await client.openEvents<StreamEvent>('/events?from=10');
    await until('the end', () => events.at(-1)?.type === 'workload');
    close();
    // Its calls, one resolution, one connection (CONNECTING, READY), its start and its end.
    const all = ended + 5;
    expect(events[0]).toMatchObject({ type: 'hello', from: 10 });
    expect(events[1]).toMatchObject({ type: 'dropped', count: all - 50 - 10 });
    expect(events).toHaveLength(2 + 50);
    expect(events[2]).toMatchObject({ type: 'call' });
  });

  it('starts with what is to come when it is asked for more than there is', async () => {
    await using client = await startClient();
    const { events, close } = await client.openEvents<StreamEvent>('/events?from=1000');
    await until('hello', () => events.length === 1);
    expect(events[0]).toMatchObject({ from: 0 });
    close();
    for (const query of ['from=-1', 'from=x', 'since=1']) {
      expect((await client.request('GET', `/events?${query}`)).status).toBe(400);
    }
  });

  it('ends well on SIGTERM, when running workloads have stopped', async () => {
    await using server = await startServer({ INITIAL_LATENCY_MS: '200' });
    await using client = await startClient();
    await client.ask('POST', '/workloads', { id: 'w', target: server.target, ratePerSecond: 50 });
    await client.ask('PUT', '/watches/dns', { name: 'localhost' });
    const stream = await client.openEvents<StreamEvent>();
    await until('5 calls', () => stream.events.filter(isCall).length >= 5);
    const startMs = performance.now();
    client.kill('SIGTERM');
    expect(await client.exited()).toMatchObject({ exitCode: 0 });
    expect(performance.now() - startMs).toBeLessThan(10_000);
    await until('the stream has ended', () => stream.ended);
    expect(stream.ended).toBe('well');
    expect(stream.events.at(-1)).toMatchObject({ type: 'workload', phase: 'stopped' });
    const counts = (await server.ask('GET', '/counters'))['w@client-0'];
    expect(stream.events.filter(isCall)).toHaveLength(counts.ok);
  });

  it('and SIGTERM do not wait for calls that take their time', async () => {
    await using server = await startServer({ INITIAL_LATENCY_MS: '20000' });
    await using client = await startClient();
    const spec = { id: 'w', target: server.target, ratePerSecond: 50, deadlineMs: 20_000 };
    await client.ask('POST', '/workloads', spec);
    await until('calls in flight', async () => (await client.ask('GET', '/workloads/w')).inFlight > 3);
    const startMs = performance.now();
    client.kill('SIGTERM');
    expect(await client.exited()).toMatchObject({ exitCode: 0 });
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });
});

describe('transparent retries', () => {
  it('are counted from channelz', async () => {
    const seen = new Set<unknown>();
    let refused = 0;
    // Refuses the first attempt of each third call, as a server does that has sent GOAWAY; grpc-js then tries once
    // more by itself.
    const server = createServer().on('stream', (stream, headers) => {
      const call = headers[CALL_METADATA];
      stream.on('error', () => {});
      if (Number(call) % 3 === 0 && !seen.has(call)) {
        seen.add(call);
        refused += 1;
        stream.close(http2.NGHTTP2_REFUSED_STREAM);
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await using client = await startClient();
      const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      await client.ask('POST', '/workloads', { id: 'w', target, ratePerSecond: 50 });
      await until('30 calls', async () => (await client.ask('GET', '/workloads/w')).ended >= 30);
      const { codes, ended, transparentRetries } = await client.ask('DELETE', '/workloads/w');
      expect(codes).toEqual({ OK: ended });
      expect(refused).toBeGreaterThanOrEqual(10);
      expect(transparentRetries).toBe(refused);
    } finally {
      server.close();
    }
  });
});

describe.concurrent('the connections of greeter-server', () => {
  it('are counted as they come and go, those to its control endpoint left out', async () => {
    await using server = await startServer();
    const stream = await server.openEvents<HelloEvent | ServerEvent>();
    const told = () => stream.events.findLast((event) => event.type === 'counters')?.connections;
    await until('the first counts', () => told() !== undefined);
    expect(told()).toEqual({ open: 0, opened: 0, greeted: 0 });
    const sockets = [1, 2].map(() => connect(Number(server.target.split(':').at(-1)), '127.0.0.1'));
    await until('two open ones', () => told()?.open === 2);
    sockets[0]?.destroy();
    await until('one that is left', () => told()?.open === 1);
    expect(told()).toEqual({ open: 1, opened: 2, greeted: 0 });
    sockets[1]?.destroy();
    stream.close();
  });
});
