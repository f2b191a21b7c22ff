import dns from 'node:dns';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createDnsWatches, probeDns } from '../../services/greeter-client/dns.ts';
import type { AgentEvent, DnsEvent, HelloEvent } from '../../services/protocol/index.ts';
import { startClient, until } from './harness.ts';

const isDns = (event: AgentEvent | HelloEvent): event is DnsEvent => event.type === 'dns';

describe('probes', () => {
  it('ask the resolver', async () => {
    await using client = await startClient();
    const found = await client.ask('POST', '/probes/dns', { name: 'localhost' });
    expect(found.records).toContain('127.0.0.1');
    expect(found.records).toEqual([...found.records].sort());
    expect(found.ms).toBeGreaterThan(0);
    const given = await client.ask('POST', '/probes/dns', { name: 'localhost', order: 'given' });
    expect([...new Set(given.records)].sort()).toEqual(found.records);
    const missing = await client.ask('POST', '/probes/dns', { name: 'nowhere.invalid' });
    expect(missing).toEqual({ ms: expect.any(Number), error: expect.stringMatching(/^E[A-Z_]+$/) });
    const wrong = await client.request('POST', '/probes/dns', { name: 'localhost', type: 'MX' });
    expect(wrong).toMatchObject({ status: 400, body: { error: expect.stringContaining('type: ') } });
  });

  it('open TCP connections', async () => {
    await using client = await startClient();
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const probe = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    const open = await client.ask('POST', '/probes/tcp', probe);
    expect(open).toEqual({ ms: expect.any(Number), connected: true });
    await new Promise((resolve) => server.close(resolve));
    const refused = await client.ask('POST', '/probes/tcp', probe);
    expect(refused).toEqual({ ms: expect.any(Number), connected: false, error: 'ECONNREFUSED' });
    const wrong = await client.request('POST', '/probes/tcp', { ...probe, port: 0 });
    expect(wrong).toMatchObject({ status: 400, body: { error: expect.stringContaining('port: ') } });
  });
});

describe('answers', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('are sorted, each once, or as they were given', async () => {
    const answer = ['10.0.0.2', '10.0.0.1', '10.0.0.2'].map((address) => ({ address, family: 4 }));
    vi.spyOn(dns.promises, 'lookup').mockImplementation((async () => answer) as never);
    expect(await probeDns('svc', 'lookup')).toMatchObject({ records: ['10.0.0.1', '10.0.0.2'] });
    expect(await probeDns('svc', 'lookup', 'given')).toMatchObject({
      records: ['10.0.0.2', '10.0.0.1', '10.0.0.2'],
    });
  });
});

describe('a watch of a name', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('tells the answer, again when it is asked for again, and ends', async () => {
    await using client = await startClient();
    const stream = await client.openEvents<AgentEvent | HelloEvent>();
    const answers = () => stream.events.filter(isDns);
    await client.ask('PUT', '/watches/dns', { name: 'localhost', intervalMs: 50 });
    await until('the answer', () => answers().length === 1);
    expect(answers()[0]).toMatchObject({ name: 'localhost', records: expect.arrayContaining(['127.0.0.1']) });
    await client.ask('PUT', '/watches/dns', { name: 'localhost', intervalMs: 50 });
    await until('the answer again', () => answers().length === 2);
    expect(await client.ask('DELETE', '/watches/dns?name=localhost')).toEqual({ name: 'localhost' });
    expect((await client.request('DELETE', '/watches/dns?name=localhost')).status).toBe(404);
    expect((await client.request('PUT', '/watches/dns', { name: 'localhost', intervalMs: 1 })).status).toBe(
      400,
    );
    stream.close();
  });

  it('tells changes, and nothing else', async () => {
    let answer = ['10.0.0.2', '10.0.0.1'];
    let asked = 0;
    const lookup = async () => {
      asked += 1;
      if (answer.length === 0) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
      return answer.map((address) => ({ address, family: 4 }));
    };
    vi.spyOn(dns.promises, 'lookup').mockImplementation(lookup as unknown as typeof dns.promises.lookup);
    const events: AgentEvent[] = [];
    const watches = createDnsWatches({ append: (event) => events.push(event) });
    const askedAgain = async () => {
      const before = asked;
      await until('asked three times', () => asked > before + 2);
    };
    watches.start('svc', 5);
    await askedAgain();
    answer = ['10.0.0.1', '10.0.0.2'];
    await askedAgain();
    answer = ['10.0.0.1'];
    await askedAgain();
    answer = [];
    await askedAgain();
    expect(watches.stop('svc')).toBe(true);
    expect(events.filter(isDns).map(({ records, error }) => [records, error])).toEqual([
      [['10.0.0.1', '10.0.0.2'], undefined],
      [['10.0.0.1'], undefined],
      [[], 'ENOTFOUND'],
    ]);
    expect(watches.stop('svc')).toBe(false);
    const ended = asked;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).toBeLessThanOrEqual(ended + 1);
  });
});
