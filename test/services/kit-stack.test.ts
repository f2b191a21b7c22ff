import { expect, test } from 'vitest';
import type { AgentEvent, CallEvent, ResolvedEvent, WorkloadStatus } from '../../services/protocol/index.ts';
import { type Service, startClient, startServer, until } from './harness.ts';

const retry = {
  maxAttempts: 3,
  initialBackoffMs: 1,
  maxBackoffMs: 10,
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE'],
};
const statusOf = (client: Service): Promise<WorkloadStatus> => client.ask('GET', '/workloads/w');
const stop = (client: Service): Promise<WorkloadStatus> => client.ask('DELETE', '/workloads/w');

async function eventsOf(client: Service, count: number): Promise<AgentEvent[]> {
  const stream = await client.openEvents<AgentEvent>();
  await until(`${count} calls`, () => stream.events.filter(({ type }) => type === 'call').length >= count);
  stream.close();
  return stream.events;
}

test('the stack kit tells of its calls and resolutions as bare grpc-js does', async () => {
  await using server = await startServer({ NODE_NAME: 'n' });
  await using client = await startClient();
  const target = `dns-poll:///${server.target}?interval=1s`;
  await client.ask('POST', '/workloads', { id: 'w', stack: 'kit', target, ratePerSecond: 100 });
  await until('calls', async () => (await statusOf(client)).ended >= 50);
  const final = await stop(client);
  expect(final.codes).toEqual({ OK: final.ended });
  expect(final.transparentRetries).toBe(0);
  const events = await eventsOf(client, final.ended);
  const [call] = events.filter((event): event is CallEvent => event.type === 'call');
  expect(call).toMatchObject({ code: 'OK', pod: 'server-0', peer: server.target, previousAttempts: 0 });
  expect(events.filter((event): event is ResolvedEvent => event.type === 'resolved')).toEqual([
    expect.objectContaining({ ok: true, detail: '1 endpoints' }),
  ]);
  expect((await server.ask('GET', '/counters'))['w@client-0']).toEqual({
    startedByPreviousAttempts: [final.ended],
    ok: final.ended,
    failed: 0,
  });
});

test('the stack kit sends retries elsewhere, and counts them', async () => {
  await using sick = await startServer({ POD_NAME: 'sick' });
  await using healthy = await startServer({ POD_NAME: 'healthy' });
  await sick.ask('PATCH', '/behaviour', { failureShare: 1 });
  await using client = await startClient();
  const target = `ipv4:${sick.target},${healthy.target}`;
  await client.ask('POST', '/workloads', { id: 'w', stack: 'kit', target, ratePerSecond: 200, retry });
  await until('calls', async () => (await statusOf(client)).ended >= 200);
  const final = await stop(client);
  expect(final.codes).toEqual({ OK: final.ended });
  const calls = (await eventsOf(client, final.ended)).filter(
    (event): event is CallEvent => event.type === 'call',
  );
  const retried = calls.filter(({ previousAttempts }) => previousAttempts === 1).length;
  expect(retried).toBeGreaterThan(final.ended / 3);
  expect(retried + calls.filter(({ previousAttempts }) => previousAttempts === 0).length).toBe(final.ended);
  expect(new Set(calls.map(({ pod }) => pod))).toEqual(new Set(['healthy']));
});

test('what a stack cannot do is refused by name', async () => {
  await using client = await startClient();
  const spec = { id: 'w', target: 'ipv4:127.0.0.1:1', ratePerSecond: 1 };
  const refusalOf = async (more: object): Promise<unknown> => {
    const { status, body } = await client.request('POST', '/workloads', { ...spec, ...more });
    return [status, (body as { error?: string }).error];
  };
  expect(await refusalOf({ policy: 'prefer_same_node' })).toEqual([
    400,
    expect.stringContaining('stack kit'),
  ]);
  expect(await refusalOf({ stack: 'kit', channels: 2 })).toEqual([
    400,
    expect.stringContaining('subchannelPool'),
  ]);
  const hedging = { maxAttempts: 2, hedgingDelayMs: 10 };
  expect(await refusalOf({ stack: 'kit', retry, hedging })).toEqual([
    400,
    expect.stringContaining('not both'),
  ]);
  expect(await refusalOf({ target: 'kubernetes:///a.b:grpc' })).toEqual([
    400,
    expect.stringContaining('stack kit'),
  ]);
});
