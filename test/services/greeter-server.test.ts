import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { CLIENT_METADATA, GRPC_PREVIOUS_ATTEMPTS_METADATA } from '../../services/protocol/index.ts';
import {
  greet,
  healthOf,
  openChannelz,
  openGreeter,
  openHealth,
  openReflection,
  unary,
} from './grpc-clients.ts';
import { startServer, until } from './harness.ts';

function metadata(entries: Record<string, string>): Metadata {
  const made = new Metadata();
  for (const [key, value] of Object.entries(entries)) made.set(key, value);
  return made;
}

describe('greeting', () => {
  it('says hello, and which pod and node it is', async () => {
    await using server = await startServer({ NODE_NAME: 'node-7' });
    using client = openGreeter(server.target);
    const reply = await greet(client, undefined, metadata({ [GRPC_PREVIOUS_ATTEMPTS_METADATA]: '2' }));
    expect(reply).toMatchObject({ code: 'OK', answer: { message: 'Hello Ada' } });
    expect(reply.metadata.getMap()).toMatchObject({
      'lab-pod': 'server-0',
      'lab-node': 'node-7',
      'lab-previous-attempts': '2',
    });
  });

  it('takes its latency from the environment, and then as told', async () => {
    await using server = await startServer({ INITIAL_LATENCY_MS: '300' });
    using client = openGreeter(server.target);
    expect((await greet(client)).ms).toBeGreaterThan(295);
    await server.ask('PATCH', '/behaviour', { latencyMs: 0 });
    // The quickest of several: a busy machine can delay one.
    const replies = [await greet(client), await greet(client), await greet(client)];
    expect(Math.min(...replies.map(({ ms }) => ms))).toBeLessThan(150);
  });

  it('fails the share of calls that it is told to, with the code that it is told, and says who failed', async () => {
    await using server = await startServer();
    using client = openGreeter(server.target);
    await server.ask('PATCH', '/behaviour', { failureShare: 1, failureCode: 'RESOURCE_EXHAUSTED' });
    const failed = await greet(client);
    expect(failed.code).toBe('RESOURCE_EXHAUSTED');
    expect(failed.metadata.get('lab-pod')).toEqual(['server-0']);
    await server.ask('PATCH', '/behaviour', { failureShare: 0.5 });
    const replies = await Promise.all(Array.from({ length: 200 }, () => greet(client)));
    const failures = replies.filter(({ code }) => code === 'RESOURCE_EXHAUSTED').length;
    // 5.7 standard deviations to either side.
    expect(failures).toBeGreaterThan(60);
    expect(failures).toBeLessThan(140);
    expect(replies.filter(({ code }) => code === 'OK')).toHaveLength(200 - failures);
  });

  it('answers nothing while it is frozen, and then again', async () => {
    await using server = await startServer();
    using client = openGreeter(server.target);
    await greet(client);
    expect((await server.request('POST', '/freeze', { durationMs: 1500 })).status).toBe(202);
    await until('a call times out', async () => (await greet(client, 300)).code === 'DEADLINE_EXCEEDED');
    const slow = await server.request('GET', '/healthz');
    expect(slow.status).toBe(200);
    expect(await greet(client)).toMatchObject({ code: 'OK' });
  });
});

describe('counters', () => {
  it('count attempts by client and by how many came before', async () => {
    await using server = await startServer();
    using client = openGreeter(server.target);
    await greet(client);
    const named = { [CLIENT_METADATA]: 'w@client-0' };
    await greet(client, undefined, metadata(named));
    await greet(client, undefined, metadata({ ...named, [GRPC_PREVIOUS_ATTEMPTS_METADATA]: '2' }));
    await server.ask('PATCH', '/behaviour', { failureShare: 1 });
    await greet(client, undefined, metadata(named));
    expect(await server.ask('GET', '/counters')).toEqual({
      '': { startedByPreviousAttempts: [1], ok: 1, failed: 0 },
      'w@client-0': { startedByPreviousAttempts: [2, 0, 1], ok: 2, failed: 1 },
    });
  });

  it('count a call that its client gave up on as failed', async () => {
    await using server = await startServer({ INITIAL_LATENCY_MS: '60000' });
    using client = openGreeter(server.target);
    expect((await greet(client, 200)).code).toBe('DEADLINE_EXCEEDED');
    await until('it is counted', async () => (await server.ask('GET', '/counters'))['']?.failed === 1);
  });

  it('are streamed when they change', async () => {
    await using server = await startServer();
    using client = openGreeter(server.target);
    const stream = await server.openEvents<{
      type: string;
      pod?: string;
      clients?: Record<string, unknown>;
    }>();
    await until('hello', () => stream.events.length >= 2);
    expect(stream.events[0]).toMatchObject({ type: 'hello', pod: 'server-0', from: 0 });
    expect(stream.events[1]).toMatchObject({ type: 'counters', final: false, clients: {} });
    await greet(client);
    await until('the call', () => stream.events.at(-1)?.clients?.['']);
    stream.close();
  });
});

describe('health', () => {
  it('is told for the server and for the greeter, each on its own', async () => {
    await using server = await startServer();
    using health = openHealth(server.target);
    using client = openGreeter(server.target);
    expect(await healthOf(health, '')).toBe('SERVING');
    expect(await healthOf(health, 'greet.Greeter')).toBe('SERVING');
    expect(await healthOf(health, 'other.Service')).toBe('NOT_FOUND');
    await server.ask('PATCH', '/behaviour', { serving: { 'greet.Greeter': false } });
    expect(await healthOf(health, '')).toBe('SERVING');
    expect(await healthOf(health, 'greet.Greeter')).toBe('NOT_SERVING');
    expect((await greet(client)).code).toBe('OK');
    await server.ask('PATCH', '/behaviour', { serving: { '': false, 'greet.Greeter': true } });
    expect(await healthOf(health, '')).toBe('NOT_SERVING');
    expect(await healthOf(health, 'greet.Greeter')).toBe('SERVING');
  });
});

describe('what a bundle has to read from files', () => {
  it('reflection lists the greeter and gives its file', async () => {
    await using server = await startServer();
    using client = openReflection(server.target);
    const stream = client.ServerReflectionInfo();
    const answers: Record<string, { service?: { name: string }[]; file_descriptor_proto?: Buffer[] }>[] = [];
    stream.on('data', (answer: (typeof answers)[number]) => answers.push(answer));
    stream.write({ list_services: '' });
    stream.write({ file_containing_symbol: 'greet.Greeter' });
    await until('both answers', () => answers.length === 2);
    const ended = new Promise((resolve) => stream.once('end', resolve));
    stream.end();
    await ended;
    expect(answers[0]?.list_services_response?.service).toEqual([{ name: 'greet.Greeter' }]);
    expect(String(answers[1]?.file_descriptor_response?.file_descriptor_proto?.[0])).toContain(
      'HelloRequest',
    );
  });

  it('channelz counts calls', async () => {
    await using server = await startServer();
    using client = openGreeter(server.target);
    using channelz = openChannelz(server.target);
    for (let call = 0; call < 3; call += 1) await greet(client);
    const { answer } = await unary(channelz, 'GetServers', {});
    expect(answer).toMatchObject({ server: [{ data: { calls_succeeded: '3' } }] });
  });
});
