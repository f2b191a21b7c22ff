// What grpc-kit takes for granted of grpc-js, in its experimental namespace and beside it. When one of these fails
// after an update of grpc-js, the range in grpc-kit's peerDependencies is wrong.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { glob, readFile } from 'node:fs/promises';
import { connect, constants } from 'node:http2';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelOptions, Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import * as used from '../../../services/grpc-kit/src/grpc-experimental.ts';
import { eventually } from '../../support/eventually.ts';
import { startBackend } from './backend.ts';
import { EchoService } from './echo-service.ts';
import { latestPolicy, latestResolver, policies, resolvers } from './recording.ts';
import { parsed } from './resolver/uri.ts';

const require = createRequire(import.meta.url);

test('the version is in the range that grpc-kit asks for', () => {
  const { version } = require('@grpc/grpc-js/package.json') as { version: string };
  const kit = require('../../../services/grpc-kit/package.json') as {
    peerDependencies: Record<string, string>;
  };
  expect(kit.peerDependencies['@grpc/grpc-js']).toBe('>=1.14.4 <1.15.0');
  expect(version).toMatch(/^1\.14\./);
});

test('everything that is used is there', () => {
  for (const [name, value] of Object.entries(used)) expect(value, name).toBeDefined();
});

test('no other file uses the experimental namespace', async () => {
  const src = join(import.meta.dirname, '../../../services');
  const users: string[] = [];
  for await (const file of glob('**/*.ts', { cwd: src, exclude: (name) => name === 'dist' })) {
    const text = await readFile(join(src, file), 'utf8');
    if (/\bexperimental\b[^;]*from '@grpc\/grpc-js'|grpc\.experimental\b/.test(text)) users.push(file);
  }
  expect(users).toEqual(['grpc-kit/src/grpc-experimental.ts']);
});

const open: Client[] = [];
afterEach(() => {
  for (const client of open.splice(0)) client.close();
});

/** A bare client of grpc-js with this policy. */
function bare(target: string, policy: string, options: ChannelOptions = {}, methodConfig: object = {}) {
  const client = new Client(target, credentials.createInsecure(), {
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [{ [policy]: {} }],
      methodConfig: [{ name: [{}], ...methodConfig }],
    }),
    ...options,
  });
  open.push(client);
  return client;
}

type Outcome = { code: status; details: string; peer: string };

function call(
  client: Client,
  { metadata = new Metadata(), cancelled }: { metadata?: Metadata; cancelled?: Promise<void> } = {},
): Promise<Outcome> {
  const { path, requestSerialize, responseDeserialize } = EchoService.unary;
  return new Promise((resolve) => {
    const made = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { text: '' },
      metadata,
      { deadline: Date.now() + 20_000 },
      () => {},
    );
    void cancelled?.then(() => made.cancel());
    made.on('status', ({ code, details }) => resolve({ code, details, peer: made.getPeer() }));
  });
}

/** A client of the recording resolver, which is asked at its first call. */
function recorded(policy: string, options: ChannelOptions = {}, methodConfig: object = {}) {
  const client = bare('recording:///name', policy, options, methodConfig);
  return { client, resolver: latestResolver() };
}

test('a new value of an attribute opens a new connection, but for one under the prefix', async () => {
  await using backend = await startBackend();
  const { client, resolver } = recorded('round_robin');
  async function connectionsWith(key: string): Promise<number> {
    const before = backend.accepted();
    for (let update = 0; update < 3; update += 1) {
      resolver.give([[backend.address]], { [key]: new Map() });
      expect(await call(client)).toMatchObject({ code: status.OK });
    }
    return backend.accepted() - before;
  }
  const first = call(client);
  resolver.give([[backend.address]]);
  await first;
  expect(await connectionsWith(used.LOCALITIES)).toBe(0);
  expect(await connectionsWith(used.NO_ENDPOINTS)).toBe(0);
  expect(await connectionsWith('grpc_kit.localities')).toBe(3);
});

test('channels that differ in an option have connections of their own, but for one under the prefix', async () => {
  await using backend = await startBackend();
  async function connectionsWith(key: string): Promise<number> {
    const before = backend.accepted();
    for (let channel = 0; channel < 3; channel += 1) {
      const context = { channel } as unknown as string;
      const client = bare(`ipv4:${backend.address}`, 'pick_first', { [key]: context });
      expect(await call(client)).toMatchObject({ code: status.OK });
    }
    return backend.accepted() - before;
  }
  expect(await connectionsWith(used.CHANNEL_CONTEXT)).toBe(1);
  expect(await connectionsWith('grpc_kit.channel_context')).toBe(3);
});

test('a pool of its own shares no connection', async () => {
  await using backend = await startBackend();
  for (let channel = 0; channel < 2; channel += 1) {
    await call(bare(`ipv4:${backend.address}`, 'pick_first', { 'grpc.use_local_subchannel_pool': 1 }));
  }
  expect(backend.accepted()).toBe(2);
});

test('the attempts of a call come to the picker with one options object, which is that of its metadata', async () => {
  await using backend = await startBackend();
  backend.behaviour.fail = status.UNAVAILABLE;
  const { client, resolver } = recorded('recording', {}, { retryPolicy: retryPolicy('0.001000000s') });
  const metadata = new Metadata();
  const options = {};
  metadata.setOptions(options);
  const ended = call(client, { metadata });
  resolver.give([[backend.address]]);
  latestPolicy().leaf?.startConnecting();
  expect(await ended).toMatchObject({ code: status.UNAVAILABLE, details: 'told to fail' });
  expect(backend.attempts.length).toBe(3);
  const picked = new Set(latestPolicy().picks.map((pick) => pick.metadata));
  expect(picked.size).toBeGreaterThanOrEqual(3);
  for (const copy of picked) expect(copy.getOptions()).toBe(options);
});

const retryPolicy = (backoff: string) => ({
  maxAttempts: 3,
  initialBackoff: backoff,
  maxBackoff: backoff,
  backoffMultiplier: 1,
  retryableStatusCodes: ['UNAVAILABLE'],
});

test('a resolver is given its target in parts, and the channel’s options; what it says is the authority', async () => {
  await using backend = await startBackend();
  const context = { logger: undefined } as unknown as string;
  for (const target of [
    'recording:///greeter.shop:grpc',
    'recording:///greeter:50051?interval=5s&jitter=0.1',
    'recording://greeter.shop:grpc',
    'recording://authority/greeter',
  ]) {
    bare(target, 'recording', { [used.CHANNEL_CONTEXT]: context });
    expect(latestResolver().uri, target).toEqual(parsed(target));
    expect(latestResolver().options[used.CHANNEL_CONTEXT], target).toBe(context);
  }
  const { client, resolver } = recorded('pick_first');
  const ended = call(client);
  resolver.give([[backend.address]]);
  await ended;
  expect(backend.hosts).toEqual(['authority.of.name']);
});

test('a resolver’s error goes to the policy with its attributes, and fails no call by itself', async () => {
  await using backend = await startBackend();
  const { client, resolver } = recorded('recording');
  const refused = call(client);
  resolver.fail('no pods', { [used.NO_ENDPOINTS]: true });
  expect(await refused).toMatchObject({ code: status.UNAVAILABLE, details: 'no pods' });
  resolver.give([[backend.address]]);
  latestPolicy().leaf?.startConnecting();
  await eventually(() => latestPolicy().states.includes('READY'));
  resolver.fail('the API is away');
  expect(await call(client)).toMatchObject({ code: status.OK });
  const { updates } = latestPolicy();
  expect(updates.map(({ endpoints }) => (endpoints.ok ? 'ok' : endpoints.error.details))).toEqual([
    'no pods',
    'ok',
    'the API is away',
  ]);
  expect(updates.map(({ options }) => options[used.NO_ENDPOINTS])).toEqual([true, undefined, undefined]);
});

test('grpc-js’s own policies keep their endpoints when the resolver fails', async () => {
  await using backend = await startBackend();
  for (const policy of ['round_robin', 'pick_first']) {
    const { client, resolver } = recorded(policy);
    const ended = call(client);
    resolver.give([[backend.address]]);
    await ended;
    resolver.fail('the API is away');
    expect(await call(client), policy).toMatchObject({ code: status.OK });
  }
});

test('what the resolver says of its list is told by calls that find no connection', async () => {
  const gone = await startBackend();
  await gone[Symbol.asyncDispose]();
  const { client, resolver } = recorded('round_robin');
  const ended = call(client);
  resolver.give([[gone.address]], {}, 'one is ready, three are not');
  const { code, details, peer } = await ended;
  expect(code).toBe(status.UNAVAILABLE);
  expect(details).toContain('one is ready, three are not');
  expect(peer).not.toMatch(/^[[\d].*:\d+$/);
});

test('an idle channel destroys its policy and its resolver; for the next call it makes a policy, and asks the same resolver', async () => {
  await using backend = await startBackend();
  const { client, resolver } = recorded('recording', { 'grpc.client_idle_timeout_ms': 1000 });
  const made = [resolvers.length, policies.length];
  async function connectAndCall() {
    const ended = call(client);
    resolver.give([[backend.address]]);
    latestPolicy().leaf?.startConnecting();
    expect(await ended).toMatchObject({ code: status.OK });
  }
  await connectAndCall();
  await eventually(() => latestPolicy().destroyed);
  expect(resolver.calls).toEqual(['updateResolution', 'destroy']);
  await connectAndCall();
  expect(resolver.calls).toEqual(['updateResolution', 'destroy', 'updateResolution']);
  expect([resolvers.length, policies.length]).toEqual([made[0], (made[1] ?? 0) + 2]);
  client.close();
  expect(resolver.calls.at(-1)).toBe('destroy');
  expect(latestPolicy().destroyed).toBe(true);
});

test('a leaf connects when it is told to; one that has lost its connection is idle, and waits; one that finds none asks the resolver', async () => {
  await using backend = await startBackend();
  const { client, resolver } = recorded('recording');
  void call(client);
  resolver.give([[backend.address]]);
  const { leaf, states } = latestPolicy();
  const become = (state: (typeof states)[number]) =>
    eventually(
      () => states.at(-1) === state,
      () => states,
    );
  expect(states).toEqual([]);
  leaf?.startConnecting();
  await become('READY');
  await backend.kill();
  await become('IDLE');
  const asked = resolver.calls.length;
  leaf?.exitIdle();
  await become('TRANSIENT_FAILURE');
  expect(resolver.calls.length).toBeGreaterThan(asked);
  await using _back = await startBackend({ port: backend.port });
  await become('READY');
});

test('a policy that asks for it has the resolver asked', async () => {
  await using backend = await startBackend();
  const { client, resolver } = recorded('recording');
  void call(client);
  resolver.give([[backend.address]]);
  const asked = resolver.calls.length;
  latestPolicy().requestReresolution();
  expect(resolver.calls.length).toBe(asked + 1);
});

test('pick_first takes endpoints, and a leaf addresses, in the order in which they are given', async () => {
  await using first = await startBackend();
  await using second = await startBackend();
  await using third = await startBackend();
  const backends = [first, second, third];
  const accepted = () => backends.map((backend) => backend.accepted());
  const gone = await startBackend();
  await gone[Symbol.asyncDispose]();
  for (const order of [
    [[second.address], [third.address], [first.address]],
    [[gone.address], [first.address], [third.address]],
  ]) {
    const { client, resolver } = recorded('pick_first');
    const ended = call(client);
    resolver.give(order);
    await ended;
  }
  expect(accepted()).toEqual([1, 1, 0]);
  for (const addresses of [
    [third.address, first.address],
    [gone.address, third.address, second.address],
  ]) {
    const { client, resolver } = recorded('recording', { 'grpc.use_local_subchannel_pool': 1 });
    const ended = call(client);
    resolver.give([addresses]);
    latestPolicy().leaf?.startConnecting();
    expect(await ended).toMatchObject({ code: status.OK, peer: third.address });
  }
  expect(accepted()).toEqual([1, 1, 2]);
});

test('addresses are written as keys of localities are', () => {
  const { subchannelAddressToString, endpointToString } = used;
  const [v4, v6] = [
    { host: '10.1.2.3', port: 50051 },
    { host: 'fd00::1', port: 50051 },
  ];
  expect([v4, v6].map(subchannelAddressToString)).toEqual(['10.1.2.3:50051', '[fd00::1]:50051']);
  const text = endpointToString({ addresses: [v4, v6] });
  expect(endpointToString({ addresses: [{ ...v4 }, { ...v6 }] })).toBe(text);
  expect(endpointToString({ addresses: [v4] })).not.toBe(text);
});

test('a duration of nine digits is the time that it says', async () => {
  await using backend = await startBackend();
  backend.behaviour.hang = true;
  const hedgingPolicy = { maxAttempts: 2, hedgingDelay: '0.600000000s', nonFatalStatusCodes: [] };
  const client = bare(`ipv4:${backend.address}`, 'pick_first', {}, { hedgingPolicy });
  const begunMs = performance.now();
  void call(client);
  await eventually(() => backend.attempts.length === 2);
  expect(performance.now() - begunMs).toBeGreaterThan(590);
});

test('a retry waits for its back-off, or four fifths of it', async () => {
  await using backend = await startBackend();
  backend.behaviour.fail = status.UNAVAILABLE;
  const client = bare(
    `ipv4:${backend.address}`,
    'pick_first',
    {},
    { retryPolicy: retryPolicy('0.500000000s') },
  );
  const begunMs = performance.now();
  await call(client);
  expect(backend.attempts.length).toBe(3);
  expect(performance.now() - begunMs).toBeGreaterThan(790);
});

// Since 1.14.4. Before it the error had no listener, and ended the server's process: it shows as an unhandled error here.
test('a client that takes back a call of a method that is not there does the server no harm', async () => {
  await using backend = await startBackend();
  const session = connect(`http://${backend.address}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/no/one',
    'content-type': 'application/grpc',
  });
  const closed = new Promise((resolve) => stream.on('close', resolve));
  stream.on('error', () => {}).close(constants.NGHTTP2_PROTOCOL_ERROR);
  await closed;
  expect(await call(bare(`ipv4:${backend.address}`, 'pick_first'))).toMatchObject({ code: status.OK });
  session.destroy();
});

// Since 1.14.7. Before it the next attempt opened a stream that nothing ended, and a server's drain waited for it.
test('a call that is cancelled in a back-off makes no further attempt', async () => {
  await using backend = await startBackend();
  backend.behaviour.fail = status.UNAVAILABLE;
  let streams = 0;
  const count = (): void => {
    streams += 1;
  };
  subscribe('http2.server.stream.created', count);
  const client = bare(
    `ipv4:${backend.address}`,
    'pick_first',
    {},
    { retryPolicy: retryPolicy('2.000000000s') },
  );
  const cancelled = eventually(() => backend.attempts.length === 1).then(() => delay(100));
  expect(await call(client, { cancelled })).toMatchObject({ code: status.CANCELLED });
  await delay(2500);
  unsubscribe('http2.server.stream.created', count);
  expect(streams).toBe(1);
});
