import { describe, expect, it } from 'vitest';
import { TOKEN_HEADER } from '../../services/protocol/index.ts';
import { runToEnd, startClient, startServer, TOKEN } from './harness.ts';

describe.each([
  ['greeter-server', startServer],
  ['greeter-client', startClient],
])('control of %s', (name, start) => {
  it('asks for the token everywhere but on /healthz', async () => {
    await using service = await start();
    expect(await service.request('GET', '/healthz', undefined, {})).toMatchObject({ status: 200 });
    for (const path of ['/time', '/events', '/nothing']) {
      expect(await service.request('GET', path, undefined, {})).toMatchObject({
        status: 401,
        body: { error: 'the header x-lab-token is missing' },
      });
    }
    const wrong = await service.request('GET', '/time', undefined, { [TOKEN_HEADER]: `${TOKEN}x` });
    expect(wrong).toMatchObject({ status: 401, body: { error: expect.stringContaining('does not hold') } });
    expect((await service.request('GET', '/time')).status).toBe(200);
  });

  it('tells its time, and the same boot each time', async () => {
    await using service = await start();
    const before = Date.now();
    const first = await service.ask('GET', '/time');
    const second = await service.ask('GET', '/time');
    expect(first.boot).toBe(second.boot);
    expect(second.nowMs).toBeGreaterThan(first.nowMs);
    expect(Math.abs(first.nowMs - before)).toBeLessThan(2000);
  });

  it('says what it does not have', async () => {
    await using service = await start();
    expect(await service.request('GET', '/nothing')).toMatchObject({
      status: 404,
      body: { error: 'there is nothing at /nothing' },
    });
    expect(await service.request('DELETE', '/time')).toMatchObject({
      status: 405,
      body: { error: '/time takes GET' },
    });
  });

  it('refuses to start on nonsense, in one line, with exit code 2', async () => {
    const { exitCode, stderr } = await runToEnd(name, { LAB_TOKEN: '', CONTROL_PORT: '70000' });
    expect(exitCode).toBe(2);
    expect(stderr.split('\n')).toHaveLength(1);
    expect(stderr).toContain('LAB_TOKEN is required');
    expect(stderr).toContain('CONTROL_PORT must be a whole number from 0 to 65535, not "70000"');
  });
});

describe('greeter-server', () => {
  it('says which field of a request is wrong, and changes nothing', async () => {
    await using server = await startServer();
    const before = await server.ask('GET', '/behaviour');
    for (const [path, body, status, text] of [
      ['/behaviour', { latencyMs: -1 }, 400, 'latencyMs: '],
      ['/behaviour', { latency: 5 }, 400, '"latency"'],
      ['/behaviour', { latencyMs: 5, failureShare: 2 }, 400, 'failureShare: '],
      ['/behaviour', { latencyMs: 5, failureCode: 'NOT_A_CODE' }, 400, 'failureCode: NOT_A_CODE'],
      ['/behaviour', { failureCode: 'OK' }, 400, 'failureCode: OK'],
      ['/behaviour', { latencyMs: 5, serving: { Greeter: false } }, 400, 'serving: '],
      ['/behaviour', '{"latencyMs":', 400, 'not JSON'],
      ['/behaviour', '[]', 400, 'expected object'],
      ['/freeze', {}, 400, 'durationMs: '],
      ['/behaviour', { failureCode: 'x'.repeat(70_000) }, 413, '65536'],
    ] as const) {
      const answer = await server.request(path === '/freeze' ? 'POST' : 'PATCH', path, body);
      expect(answer).toMatchObject({ status, body: { error: expect.stringContaining(text) } });
    }
    expect(await server.ask('GET', '/behaviour')).toEqual(before);
    expect(before).toEqual({
      latencyMs: 0,
      failureShare: 0,
      failureCode: 'UNAVAILABLE',
      serving: { '': true, 'greet.Greeter': true },
    });
  });

  it('does not start with a bad DRAIN', async () => {
    const { exitCode, stderr } = await runToEnd('greeter-server', { DRAIN: 'slowly' });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'greeter-server: DRAIN must be graceful, none or force, not "slowly"',
    });
  });
});
