// greeter-server as it should not be: HTTP/1.1 only, on one address alone, not serving from the start.
import { describe, expect, it } from 'vitest';
import type { LifecycleEvent } from '../../services/protocol/index.ts';
import { greet, healthOf, openGreeter, openHealth } from './grpc-clients.ts';
import { runToEnd, startServer, until } from './harness.ts';

describe('GRPC_PROTOCOL=http1', () => {
  it('answers every request 426, to gRPC too, and is ready by its control port', async () => {
    await using server = await startServer({ GRPC_PROTOCOL: 'http1' });
    const response = await fetch(`http://${server.target}/greet.Greeter/SayHello`, { method: 'POST' });
    expect({ status: response.status, upgrade: response.headers.get('upgrade') }).toEqual({
      status: 426,
      upgrade: 'h2c',
    });
    using client = openGreeter(server.target);
    expect(await greet(client)).toMatchObject({ code: 'UNAVAILABLE' });
    expect((await server.request('GET', '/healthz', undefined, {})).status).toBe(200);
    expect(await server.request('GET', '/behaviour')).toEqual({
      status: 409,
      body: { error: 'it speaks HTTP/1.1 only: there is no gRPC health' },
    });
  });

  it('ends on SIGTERM', async () => {
    await using server = await startServer({ GRPC_PROTOCOL: 'http1' });
    const { events } = await server.openEvents<LifecycleEvent>();
    server.kill('SIGTERM');
    expect(await server.exited()).toMatchObject({ exitCode: 0 });
    await until('the last', () => events.some(({ phase }) => phase === 'done'));
  });
});

describe('GRPC_BIND_ADDRESS', () => {
  it('is where gRPC listens, and it alone', async () => {
    await using server = await startServer({ GRPC_BIND_ADDRESS: '127.0.0.2' });
    using there = openGreeter(`127.0.0.2:${server.grpcPort}`);
    expect(await greet(there)).toMatchObject({ code: 'OK' });
    using here = openGreeter(server.target);
    expect(await greet(here)).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect((await server.request('GET', '/time')).status).toBe(200);
  });
});

describe('INITIAL_NOT_SERVING', () => {
  it.each([
    ['greet.Greeter', { '': true, 'greet.Greeter': false }],
    ['greet.Greeter,live', { '': true, 'greet.Greeter': false, live: false }],
    ['*', { '': false, 'greet.Greeter': false }],
  ])('%s', async (services, serving) => {
    await using server = await startServer({ INITIAL_NOT_SERVING: services });
    expect((await server.ask('GET', '/behaviour')).serving).toEqual(serving);
    using health = openHealth(server.target);
    expect(await healthOf(health, 'greet.Greeter')).toBe('NOT_SERVING');
    using client = openGreeter(server.target);
    expect((await greet(client)).code).toBe('OK');
  });
});

it('a server does not start with a mode that there is not', async () => {
  const { exitCode, stderr } = await runToEnd('greeter-server', {
    GRPC_PROTOCOL: 'http3',
    GRPC_BIND_ADDRESS: 'localhost',
    INITIAL_NOT_SERVING: 'greet.Greeter, other',
  });
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: [
      'greeter-server: GRPC_BIND_ADDRESS must be an IP address, not "localhost"',
      'GRPC_PROTOCOL must be h2c or http1, not "http3"',
      'INITIAL_NOT_SERVING must be names of services, separated by commas, or *, not "greet.Greeter, other"',
    ].join('; '),
  });
});
