// Real channels of grpc-js with targets of both schemes.
import { Client, credentials, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CHANNEL_CONTEXT } from '../../../../services/grpc-kit/src/grpc-experimental.ts';
import { ROUND_ROBIN, registerPolicies } from '../../../../services/grpc-kit/src/policy/index.ts';
import { registerResolvers } from '../../../../services/grpc-kit/src/resolver/index.ts';
import { eventually } from '../../../support/eventually.ts';
import { tempDir } from '../../../support/temp-dir.ts';
import { type FakeApi, fakeApi, slice } from './fake-api.ts';
import { recorder } from './recorder.ts';

const PATH = '/test.Who/Am';
const bytes = (value: Buffer) => value;

async function server(host: string, port = 0) {
  const started = new Server();
  const method = { path: PATH, requestStream: false, responseStream: false };
  const codec = {
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
  started.addService(
    { Am: { ...method, ...codec } },
    { Am: (_call: unknown, answer: (error: null, value: Buffer) => void) => answer(null, Buffer.from(host)) },
  );
  const bound = await new Promise<number>((resolve, reject) =>
    started.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, at) =>
      error ? reject(error) : resolve(at),
    ),
  );
  return { port: bound, stop: () => started.forceShutdown() };
}

const call = (client: Client, timeoutMs = 5000) =>
  new Promise<string>((resolve, reject) =>
    client.makeUnaryRequest(
      PATH,
      bytes,
      bytes,
      Buffer.alloc(0),
      { deadline: Date.now() + timeoutMs },
      (error, value) => (error ? reject(error) : resolve(String(value))),
    ),
  );

let temp: Awaited<ReturnType<typeof tempDir>>;
let api: FakeApi;
let stops: (() => void)[];
beforeEach(async () => {
  temp = await tempDir();
  api = await fakeApi();
  stops = [];
  registerResolvers();
  registerResolvers();
});
afterEach(async () => {
  for (const stop of stops) stop();
  await api[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

function client(target: string, policy = 'round_robin'): Client {
  const { logger } = recorder();
  const made = new Client(target, credentials.createInsecure(), {
    [CHANNEL_CONTEXT]: {
      logger,
      learned: {},
      kubernetes: { kubeconfig: api.kubeconfig(temp.path) },
    } as never,
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [policy]: {} }] }),
  });
  stops.push(() => made.close());
  return made;
}

it('calls the endpoints of a Service, and those that are new, and leaves no socket', async () => {
  const first = await server('127.0.0.1');
  const ports = [{ name: 'grpc', port: first.port }];
  const second = await server('127.0.0.2', first.port);
  stops.push(first.stop, second.stop);
  const greeter = client('kubernetes:///greeter.shop:grpc');
  await expect(call(greeter)).rejects.toMatchObject({
    code: status.UNAVAILABLE,
    details: expect.stringMatching(/Service greeter.shop has no EndpointSlices/),
  });
  api.put(slice('a', ['127.0.0.1'], { ports }));
  await vi.waitFor(async () => expect(await call(greeter)).toBe('127.0.0.1'));
  api.put(slice('a', ['127.0.0.1', '127.0.0.2'], { ports }));
  const answers = new Set<string>();
  await vi.waitFor(async () => {
    answers.add(await call(greeter));
    expect(answers.size).toBe(2);
  }, 5000);
  greeter.close();
  await eventually(() => api.sockets.size === 0);
});

it('leaves what is gone: with the policy of grpc-kit calls fail at once, and say why, until there are endpoints again', async () => {
  const { port, stop } = await server('127.0.0.1');
  stops.push(stop);
  const slices = slice('a', ['127.0.0.1'], { ports: [{ name: 'grpc', port }] });
  api.put(slices);
  registerPolicies();
  const greeter = client('kubernetes:///greeter.shop:grpc', ROUND_ROBIN);
  await vi.waitFor(async () => expect(await call(greeter)).toBe('127.0.0.1'));
  api.put(slice('a', [], { ports: [{ name: 'grpc', port }] }));
  await vi.waitFor(() => expect(call(greeter)).rejects.toMatchObject({ code: status.UNAVAILABLE }));
  await expect(call(greeter)).rejects.toMatchObject({ details: expect.stringContaining('greeter.shop') });
  api.put(slices);
  await vi.waitFor(async () => expect(await call(greeter)).toBe('127.0.0.1'));
});

it('waits for endpoints when it is asked to, with no call failing', async () => {
  const { port, stop } = await server('127.0.0.1');
  stops.push(stop);
  await api.stop();
  const greeter = client('kubernetes:///greeter.shop');
  const waited = new Promise<void>((resolve, reject) =>
    greeter.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve())),
  );
  setTimeout(() => {
    api.put(slice('a', ['127.0.0.1'], { ports: [{ port }] }));
    void api.start();
  }, 300);
  await waited;
  expect(await call(greeter)).toBe('127.0.0.1');
});

it('refuses targets that are not well-formed when the client is made', () => {
  expect(() => client('kubernetes://greeter.shop:grpc')).toThrow(/three slashes/);
  expect(() => client('dns-poll:///greeter')).toThrow(/it needs the number of a port/);
});

it('polls DNS', async () => {
  const { port, stop } = await server('127.0.0.1');
  stops.push(stop);
  expect(await call(client(`dns-poll:///127.0.0.1:${port}`))).toBe('127.0.0.1');
  expect(await call(client(`dns-poll:///localhost:${port}?interval=1s`))).toBe('127.0.0.1');
});
