import { describe, expect, it } from 'vitest';
import type { AgentEvent, CallEvent, WorkloadStatus } from '../../services/protocol/index.ts';
import { openChannelz, otherConnections } from './grpc-clients.ts';
import { type Service, startClient, startServer, until } from './harness.ts';

const retry = {
  maxAttempts: 3,
  initialBackoffMs: 1,
  maxBackoffMs: 10,
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE'],
};

const isCall = (event: AgentEvent): event is CallEvent => event.type === 'call';
const status = (client: Service, id = 'w'): Promise<WorkloadStatus> => client.ask('GET', `/workloads/${id}`);
const stop = (client: Service, id = 'w'): Promise<WorkloadStatus> => client.ask('DELETE', `/workloads/${id}`);

/** All calls of the agent, once it has told of as many as it made. */
async function callsOf(client: Service, count: number): Promise<CallEvent[]> {
  const stream = await client.openEvents<AgentEvent>();
  await until(`${count} calls`, () => stream.events.filter(isCall).length >= count);
  stream.close();
  return stream.events.filter(isCall).sort((a, b) => a.seq - b.seq);
}

describe('a workload', () => {
  it('calls at its rate, and tells of every call', async () => {
    await using server = await startServer({ NODE_NAME: 'n' });
    await using client = await startClient();
    const spec = { id: 'w', target: server.target, ratePerSecond: 200 };
    const created = await client.request('POST', '/workloads', spec);
    expect(created).toMatchObject({ status: 201, body: { id: 'w', running: true } });
    const firstSeen = performance.now();
    await until('300 calls', async () => (await status(client)).ended >= 300);
    const seenMs = performance.now() - firstSeen;
    const final = await stop(client);

    expect(final).toMatchObject({ running: false, inFlight: 0, due: final.started, ended: final.started });
    expect(final.codes).toEqual({ OK: final.ended });
    expect(final.transparentRetries).toBe(0);
    expect(final.cpuMs).toBeGreaterThan(0);
    // Open loop: how many are due follows from the time alone.
    expect(final.due).toBeGreaterThan(seenMs / 5 - 2);
    const calls = await callsOf(client, final.ended);
    expect(calls.map(({ seq }) => seq)).toEqual(calls.map((_, seq) => seq));
    const firstMs = calls[0]?.intendedMs ?? 0;
    for (const { seq, intendedMs } of calls) expect(intendedMs - firstMs).toBeCloseTo(seq * 5, 1);
    expect(calls[0]).toMatchObject({
      workload: 'w',
      code: 'OK',
      pod: 'server-0',
      peer: server.target,
      previousAttempts: 0,
    });
    expect(final.latency.count).toBe(calls.length);
    const slowest = Math.max(...calls.map(({ latencyMs }) => latencyMs));
    expect(final.latency.maxMs / slowest).toBeCloseTo(1, 2);
    expect(final.lateness.p50Ms).toBeLessThan(1000);
    expect((await server.ask('GET', '/counters'))['w@client-0']).toEqual({
      startedByPreviousAttempts: [final.ended],
      ok: final.ended,
      failed: 0,
    });
  });

  it('counts latency from when calls were due: a server that stands still is seen in full', async () => {
    await using server = await startServer();
    await using client = await startClient();
    // With 5 calls in flight at most, a closed loop would see 5 slow calls and nothing else.
    await client.ask('POST', '/workloads', {
      id: 'w',
      target: server.target,
      ratePerSecond: 100,
      concurrency: 5,
      deadlineMs: 10_000,
    });
    await until('it is under way', async () => (await status(client)).ended >= 50);
    await server.ask('POST', '/freeze', { durationMs: 1000 });
    await until('it goes on', async () => (await status(client)).ended >= 250);
    // On a busy machine it would catch up late, or never.
    await client.ask('PATCH', '/workloads/w', { ratePerSecond: 1 });
    await until('it has caught up', async () => {
      const { ended, due } = await status(client);
      return ended === due;
    });
    const final = await stop(client);
    expect(final.codes).toEqual({ OK: final.due });
    expect(final.started).toBe(final.due);
    const slow = (await callsOf(client, final.ended)).filter(({ latencyMs }) => latencyMs > 500);
    // Some 100 calls were due in that second, half of them in its first half.
    expect(slow.length).toBeGreaterThan(40);
    expect(slow.filter(({ lateMs }) => lateMs > 400).length).toBeGreaterThan(35);
    expect(final.latency.maxMs).toBeGreaterThan(900);
    expect(final.lateness.maxMs).toBeGreaterThan(800);
  });

  it('keeps as many in flight as it may, and counts the wait of the others', async () => {
    await using server = await startServer({ INITIAL_LATENCY_MS: '100' });
    await using client = await startClient();
    await client.ask('POST', '/workloads', {
      id: 'w',
      target: server.target,
      ratePerSecond: 100,
      concurrency: 2,
    });
    const inFlight = new Set<number>();
    const limited = await until('20 calls', async () => {
      const now = await status(client);
      inFlight.add(now.inFlight);
      return now.ended >= 20 && now;
    });
    expect(Math.max(...inFlight)).toBe(2);
    expect(limited.due).toBeGreaterThan(limited.started * 2);
    expect(limited.latency.p50Ms).toBeGreaterThan(200);
    await client.ask('PATCH', '/workloads/w', { concurrency: 1000 });
    await until('it catches up', async () => {
      const { due, started } = await status(client);
      return due - started < 5;
    });
    await stop(client);
  });

  it('changes its rate at once, and forgets no call that was due', async () => {
    await using server = await startServer();
    await using client = await startClient();
    await client.ask('POST', '/workloads', { id: 'w', target: server.target, ratePerSecond: 20 });
    await until('5 calls', async () => (await status(client)).ended >= 5);
    await client.ask('PATCH', '/workloads/w', { ratePerSecond: 200 });
    await until('60 calls', async () => (await status(client)).ended >= 60);
    const { ended } = await stop(client);
    const calls = await callsOf(client, ended);
    const gaps = calls.slice(1).map(({ intendedMs }, index) => intendedMs - (calls[index]?.intendedMs ?? 0));
    const change = gaps.findIndex((gap) => gap < 49.9);
    expect(change).toBeGreaterThanOrEqual(4);
    for (const gap of gaps.slice(0, change)) expect(gap).toBeCloseTo(50, 1);
    expect(gaps[change]).toBeGreaterThan(4.9);
    for (const gap of gaps.slice(change + 1)) expect(gap).toBeCloseTo(5, 1);
  });

  it('changes its deadline', async () => {
    await using server = await startServer({ INITIAL_LATENCY_MS: '300' });
    await using client = await startClient();
    await client.ask('POST', '/workloads', { id: 'w', target: server.target, ratePerSecond: 20 });
    await until('an answer', async () => (await status(client)).codes.OK);
    await client.ask('PATCH', '/workloads/w', { deadlineMs: 50 });
    await until('a time-out', async () => (await status(client)).codes.DEADLINE_EXCEEDED);
    const { ended } = await stop(client);
    const late = (await callsOf(client, ended)).find(({ code }) => code === 'DEADLINE_EXCEEDED');
    expect(late).toMatchObject({
      peer: server.target,
      message: expect.stringContaining('Deadline exceeded'),
    });
    expect(late).not.toHaveProperty('pod');
  });

  it('stops when what is in flight has ended, and keeps its final status', async () => {
    await using server = await startServer({ INITIAL_LATENCY_MS: '700' });
    await using client = await startClient();
    await client.ask('POST', '/workloads', { id: 'w', target: server.target, ratePerSecond: 50 });
    await until('calls in flight', async () => (await status(client)).inFlight >= 3);
    const stopping = stop(client);
    await until('it is stopping', async () => !(await status(client)).running);
    const spec = { id: 'w', target: server.target, ratePerSecond: 1 };
    expect((await client.request('POST', '/workloads', spec)).status).toBe(409);
    expect((await client.request('PATCH', '/workloads/w', { ratePerSecond: 5 })).status).toBe(409);
    const final = await stopping;
    expect(final).toMatchObject({
      running: false,
      inFlight: 0,
      started: final.due,
      codes: { OK: final.due },
    });
    expect(await stop(client)).toEqual(final);
    expect(await status(client)).toEqual(final);
    expect((await client.request('POST', '/workloads', spec)).status).toBe(201);
  });

  it('runs beside another, each under its own name', async () => {
    await using one = await startServer({ POD_NAME: 'one' });
    await using two = await startServer({ POD_NAME: 'two' });
    await using client = await startClient({ POD_NAME: 'c' });
    await client.ask('POST', '/workloads', { id: 'a', target: one.target, ratePerSecond: 100 });
    await client.ask('POST', '/workloads', { id: 'b', target: two.target, ratePerSecond: 50, record: false });
    await until('both call', async () => {
      const all: WorkloadStatus[] = await client.ask('GET', '/workloads');
      return all.length === 2 && all.every(({ ended }) => ended >= 20);
    });
    const a = await stop(client, 'a');
    const b = await stop(client, 'b');
    expect(Object.keys(await one.ask('GET', '/counters'))).toEqual(['a@c']);
    expect((await two.ask('GET', '/counters'))['b@c'].ok).toBe(b.ended);
    const calls = await callsOf(client, a.ended);
    expect(new Set(calls.map(({ workload }) => workload))).toEqual(new Set(['a']));
  });

  it('deals its calls to its channels, which have connections of their own if asked to', async () => {
    await using server = await startServer();
    await using client = await startClient();
    using channelz = openChannelz(server.target);
    async function connections(id: string, subchannelPool: string): Promise<number> {
      const stream = await client.openEvents<AgentEvent>();
      const spec = { id, target: server.target, ratePerSecond: 100, channels: 3, subchannelPool };
      await client.ask('POST', '/workloads', spec);
      await until('calls on all channels', async () => (await status(client, id)).ended >= 30);
      const resolved = () =>
        stream.events.flatMap((event) => (event.type === 'resolved' && event.workload === id ? [event] : []));
      await until('three resolutions', () => resolved().length === 3);
      expect(resolved().every(({ ok }) => ok)).toBe(true);
      expect(new Set(resolved().map(({ channel }) => channel))).toEqual(new Set([0, 1, 2]));
      stream.close();
      const sockets = await otherConnections(channelz);
      await stop(client, id);
      await until('it is gone', async () => (await otherConnections(channelz)) === 0);
      return sockets;
    }
    expect(await connections('shared', 'shared')).toBe(1);
    expect(await connections('own', 'own')).toBe(3);
  });

  it('retries as its policy says, and the server counts each attempt', async () => {
    await using server = await startServer();
    await using client = await startClient();
    await server.ask('PATCH', '/behaviour', { failureShare: 1 });
    await client.ask('POST', '/workloads', { id: 'w', target: server.target, ratePerSecond: 50, retry });
    await until('20 calls', async () => (await status(client)).ended >= 20);
    const { ended, codes, transparentRetries } = await stop(client);
    expect(codes).toEqual({ UNAVAILABLE: ended });
    expect(transparentRetries).toBe(0);
    expect((await server.ask('GET', '/counters'))['w@client-0']).toEqual({
      startedByPreviousAttempts: [ended, ended, ended],
      ok: 0,
      failed: 3 * ended,
    });
    expect((await callsOf(client, ended))[0]).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'told to fail',
      pod: 'server-0',
      previousAttempts: 2,
    });
  });

  it('says how calls fail when there is nobody', async () => {
    await using client = await startClient();
    const spec = { id: 'w', target: 'dns:///nowhere.invalid:1', ratePerSecond: 50, deadlineMs: 500 };
    await client.ask('POST', '/workloads', spec);
    await until('10 calls', async () => (await status(client)).ended >= 10);
    const { ended } = await stop(client);
    const stream = await client.openEvents<AgentEvent>();
    await until('all calls', () => stream.events.filter(isCall).length === ended);
    stream.close();
    expect(
      stream.events.filter(isCall).every(({ peer, pod }) => peer === undefined && pod === undefined),
    ).toBe(true);
    expect(stream.events.find(({ type }) => type === 'resolved')).toMatchObject({
      ok: false,
      detail: 'Address resolution failed: it brought no addresses',
    });
  });

  it('is refused with a reason', async () => {
    await using client = await startClient();
    for (const [part, text] of [
      [{ rate: 5 }, '"rate"'],
      [{ ratePerSecond: 0 }, 'ratePerSecond: '],
      [{ id: 'Not a label' }, 'id: must be a DNS label'],
      [{ retry: { ...retry, maxAttempts: 6 } }, 'retry.maxAttempts: '],
      [{ retry: { ...retry, retryableStatusCodes: ['SOMETIMES'] } }, 'retryableStatusCodes'],
      [{ channelOptions: { 'grpc.service_config': '{}' } }, 'grpc.service_config'],
      [{ stack: 'other' }, 'stack: '],
    ] as const) {
      const spec = { id: 'w', target: 'localhost:1', ratePerSecond: 1, ...part };
      const answer = await client.request('POST', '/workloads', spec);
      expect(answer).toMatchObject({ status: 400, body: { error: expect.stringContaining(text) } });
    }
    expect(await client.ask('GET', '/workloads')).toEqual([]);
    await client.ask('POST', '/workloads', { id: 'w', target: 'localhost:1', ratePerSecond: 1 });
    const change = await client.request('PATCH', '/workloads/w', { policy: 'pick_first' });
    expect(change).toMatchObject({ status: 400, body: { error: expect.stringContaining('"policy"') } });
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      expect(
        await client.request(method, '/workloads/none', method === 'GET' ? undefined : {}),
      ).toMatchObject({
        status: 404,
        body: { error: 'there is no workload none' },
      });
    }
  });
});
