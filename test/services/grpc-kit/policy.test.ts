import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { type ClientOptions, createClient } from '../../../services/grpc-kit/src/index.ts';
import { eventually } from '../../support/eventually.ts';
import { type Backend, startBackend } from './backend.ts';
import { EchoService } from './echo-service.ts';
import { type Place, type Script, script } from './scripted-resolver.ts';

type Tuple<Count, Backends extends Backend[] = []> = Backends['length'] extends Count
  ? Backends
  : Tuple<Count, [...Backends, Backend]>;

/** Backends that end together. */
async function startBackends<const Count extends number>(
  count: Count,
): Promise<Tuple<Count> & AsyncDisposable> {
  const backends = await Promise.all(Array.from({ length: count }, () => startBackend()));
  return Object.assign(backends as Tuple<Count>, {
    [Symbol.asyncDispose]: async () => {
      await Promise.all(backends.map((backend) => backend[Symbol.asyncDispose]()));
    },
  });
}

const DEADLINE_MS = 3000;
/** Not at the deadline: no less, for a machine that has other things to do. */
const AT_ONCE_MS = DEADLINE_MS - 500;

const echo = ({ target }: Script, options: ClientOptions = {}) =>
  createClient(EchoService, target, { deadlineMs: DEADLINE_MS, ...options });
type Echo = ReturnType<typeof echo>;

/** Who answered each of so many calls in a row: address, or status code. */
async function answerers(client: Echo, calls: number): Promise<string[]> {
  const seen: string[] = [];
  for (let call = 0; call < calls; call += 1) {
    await client
      .unary(
        { text: '' },
        { onEnd: ({ code, peer = '' }) => seen.push(code === status.OK ? peer : (status[code] ?? '')) },
      )
      .catch(() => {});
  }
  return seen;
}

const counts = (seen: readonly string[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(seen, (name) => name)].map(([name, all]) => [name, all.length]));

/** The client's ends are in this process too: what they take is turns of the event loop, however long each may last. */
async function noticed(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await delay(1);
}

/** Until all backends that are named have a connection, and the client has noticed. */
async function connected(client: Echo, backends: readonly Backend[]): Promise<void> {
  await client.unary({ text: '' }, { waitForReady: true });
  await eventually(() => backends.every((backend) => backend.connections() > 0));
  await noticed();
}

const places = (backends: readonly Backend[], where: readonly Omit<Place, 'address'>[] = []): Place[] =>
  backends.map(({ address }, index) => ({ address, ...where[index] }));

test('round robin gives each endpoint the same number of calls', async () => {
  await using backends = await startBackends(3);
  const source = script();
  await using client = echo(source);
  source.give(places(backends));
  await connected(client, backends);
  const seen = counts(await answerers(client, 30));
  expect(seen).toEqual(Object.fromEntries(backends.map(({ address }) => [address, 10])));
});

test('an update touches only what it changes: connections stay, calls move at once', async () => {
  await using backends = await startBackends(3);
  const [first, second, third] = backends;
  const source = script();
  await using client = echo(source);
  source.give(places([first, second]));
  await connected(client, [first, second]);
  for (let update = 0; update < 20; update += 1) source.give(places([second, first]));
  source.give(places([second, third]));
  await connected(client, [second, third]);
  expect(Object.keys(counts(await answerers(client, 20))).sort()).toEqual(
    [second.address, third.address].sort(),
  );
  expect([first, second, third].map((backend) => backend.accepted())).toEqual([1, 1, 1]);
});

test('an endpoint that is taken away is left, though calls in flight on it end well', async () => {
  await using backends = await startBackends(2);
  const [first, second] = backends;
  const source = script();
  await using client = echo(source);
  source.give(places([first]));
  await connected(client, [first]);
  first.behaviour.delayMs = 300;
  const inFlight = client.unary({ text: 'in flight' });
  await eventually(() => first.attempts.length === 2);
  source.give(places([second]));
  expect(counts(await answerers(client, 4))).toEqual({ [second.address]: 4 });
  expect(await inFlight).toEqual({ text: 'in flight' });
});

test('when a resolver knows that there is none, calls fail at once; when it does not know, the last list stays', async () => {
  await using backends = await startBackends(1);
  const source = script();
  await using client = echo(source);
  source.give(places(backends));
  await connected(client, backends);
  source.fail('the name server is down');
  expect(counts(await answerers(client, 3))).toEqual({ [backends[0]?.address ?? '']: 3 });
  source.fail('no pod is ready', { gone: true });
  const begun = performance.now();
  await expect(client.unary({ text: '' })).rejects.toThrow('no pod is ready');
  expect(performance.now() - begun).toBeLessThan(AT_ONCE_MS);
  const waiting = client.unary({ text: 'back' }, { waitForReady: true });
  source.give(places(backends));
  expect(await waiting).toEqual({ text: 'back' });
});

test('an empty list fails calls at once, and does not let them hang', async () => {
  const source = script();
  await using client = echo(source);
  source.give([]);
  const begun = performance.now();
  await expect(client.unary({ text: '' })).rejects.toThrow('No addresses resolved');
  expect(performance.now() - begun).toBeLessThan(AT_ONCE_MS);
});

test('a connection that is lost is made again without a call, and the resolver is asked', async () => {
  await using backends = await startBackends(2);
  const [first, second] = backends;
  const source = script();
  await using client = echo(source);
  source.give(places(backends));
  await connected(client, backends);
  const asked = source.resolutionsAskedFor();
  await first.kill();
  await eventually(() => source.resolutionsAskedFor() > asked);
  expect(counts(await answerers(client, 4))).toEqual({ [second.address]: 4 });
  await using back = await startBackend({ port: first.port });
  await eventually(() => back.connections() === 1);
});

test('a connection that its server ends is made again at once, and the resolver is asked all the same', async () => {
  await using backend = await startBackend({ serverOptions: { 'grpc.max_connection_age_ms': 300 } });
  const source = script();
  await using client = echo(source);
  source.give(places([backend]));
  await connected(client, [backend]);
  const asked = source.resolutionsAskedFor();
  await eventually(() => backend.accepted() > 1);
  await eventually(() => source.resolutionsAskedFor() > asked);
});

const here = { node: 'here', zone: 'a' };
const sameZone = { node: 'next-door', zone: 'a' };
const elsewhere = { node: 'far', zone: 'b' };

test('prefer_same_node: own node, then own zone, then the rest, and back', async () => {
  await using backends = await startBackends(3);
  const [local, near, far] = backends;
  const source = script();
  await using client = echo(source, { policy: 'prefer_same_node', locality: { node: 'here' } });
  const all = places(backends, [here, sameZone, elsewhere]);
  source.give(all);
  await connected(client, backends);
  expect(counts(await answerers(client, 10))).toEqual({ [local.address]: 10 });
  // Its zone was learned while there was an endpoint on the own node.
  source.give(all.slice(1));
  expect(counts(await answerers(client, 10))).toEqual({ [near.address]: 10 });
  source.give(all.slice(2));
  expect(counts(await answerers(client, 10))).toEqual({ [far.address]: 10 });
  source.give(all);
  await eventually(() => local.connections() + near.connections() === 2);
  await noticed();
  expect(counts(await answerers(client, 10))).toEqual({ [local.address]: 10 });
});

test('prefer_same_node: a tier counts when one of its members is connected', async () => {
  await using backends = await startBackends(3);
  const [local, near, far] = backends;
  const source = script();
  await using client = echo(source, { policy: 'prefer_same_node', locality: { node: 'here' } });
  source.give(places(backends, [here, sameZone, elsewhere]));
  await connected(client, backends);
  await local.kill();
  await noticed();
  expect(counts(await answerers(client, 10))).toEqual({ [near.address]: 10 });
  await near.kill();
  await noticed();
  expect(counts(await answerers(client, 10))).toEqual({ [far.address]: 10 });
  await using _back = await startBackend({ port: local.port });
  await eventually(() => _back.connections() === 1);
  await noticed();
  expect(counts(await answerers(client, 10))).toEqual({ [local.address]: 10 });
});

test('prefer_same_node: round robin within a tier, and where no node is known it says so once', async () => {
  await using backends = await startBackends(2);
  const warnings: string[] = [];
  const logger = { info: () => {}, warn: (message: string) => warnings.push(message) };
  const source = script();
  await using client = echo(source, { policy: 'prefer_same_node', locality: { node: 'here' }, logger });
  source.give(places(backends), { places: false });
  source.give(places(backends), { places: false });
  await connected(client, backends);
  expect(Object.values(counts(await answerers(client, 10)))).toEqual([5, 5]);
  expect(warnings).toEqual([expect.stringContaining('plain round robin')]);
});

test('prefer_same_node: an idle time forgets neither what was said nor the zone, and several channels say it once', async () => {
  await using backends = await startBackends(3);
  const [local, near] = backends;
  const warnings: string[] = [];
  const logger = { info: () => {}, warn: (message: string) => warnings.push(message) };
  const source = script();
  const options = { policy: 'prefer_same_node', idleMs: 1000 } as const;
  await using client = echo(source, { ...options, locality: { node: 'here' } });
  const all = places(backends, [here, sameZone, elsewhere]);
  source.give(all);
  await connected(client, backends);
  expect(counts(await answerers(client, 5))).toEqual({ [local?.address ?? '']: 5 });
  await eventually(() => backends.every((backend) => backend.connections() === 0));
  source.give(all.slice(1));
  await connected(client, backends.slice(1));
  expect(counts(await answerers(client, 10))).toEqual({ [near?.address ?? '']: 10 });

  const flat = script();
  await using other = echo(flat, { ...options, logger, connectionsPerAddress: 2 });
  flat.give(places(backends), { places: false });
  await connected(other, backends);
  await answerers(other, 6);
  await eventually(() => near?.connections() === 1);
  await answerers(other, 6);
  expect(warnings).toEqual([expect.stringContaining('plain round robin')]);
});

test('prefer_same_node: the own node is that of NODE_NAME', async () => {
  await using backends = await startBackends(2);
  const source = script();
  process.env.NODE_NAME = 'far';
  await using client = echo(source, { policy: 'prefer_same_node' });
  delete process.env.NODE_NAME;
  source.give(places(backends, [here, elsewhere]));
  await connected(client, backends);
  expect(counts(await answerers(client, 10))).toEqual({ [backends[1]?.address ?? '']: 10 });
});

test('a retry goes to another endpoint', async () => {
  await using backends = await startBackends(5);
  const [good, ...bad] = backends;
  for (const { behaviour } of bad) behaviour.fail = status.UNAVAILABLE;
  const source = script();
  await using client = echo(source, { retry: { maxAttempts: 5, initialBackoffMs: 1, maxBackoffMs: 1 } });
  source.give(places(backends));
  await connected(client, backends);
  await Promise.all(Array.from({ length: 200 }, () => client.unary({ text: '' })));
  // All of them ended at the one that answers: with five attempts at five endpoints none can be asked twice.
  expect(good.attempts.length).toBeGreaterThan(200);
});

test('with more attempts than endpoints, they begin anew', async () => {
  await using backends = await startBackends(2);
  const source = script();
  await using client = echo(source, { retry: { maxAttempts: 8, initialBackoffMs: 1, maxBackoffMs: 1 } });
  source.give(places(backends));
  await connected(client, backends);
  for (const { behaviour, attempts } of backends) {
    behaviour.fail = status.UNAVAILABLE;
    attempts.length = 0;
  }
  const ids = Array.from({ length: 20 }, (_, index) => `${index}`);
  await Promise.all(ids.map((id) => client.unary({ text: '' }, { metadata: { id } }).catch(() => {})));
  for (const { attempts } of backends) {
    expect(counts(attempts.map((metadata) => String(metadata.get('id')[0])))).toEqual(
      Object.fromEntries(ids.map((id) => [id, 4])),
    );
  }
});

test('prefer_same_node: a retry leaves the own node when nothing else is left on it', async () => {
  await using backends = await startBackends(3);
  const [local, near] = backends;
  local.behaviour.fail = status.UNAVAILABLE;
  const source = script();
  await using client = echo(source, {
    policy: 'prefer_same_node',
    locality: { node: 'here' },
    retry: { initialBackoffMs: 1 },
  });
  source.give(places(backends, [here, sameZone, elsewhere]));
  await connected(client, backends);
  expect(counts(await answerers(client, 10))).toEqual({ [near.address]: 10 });
});

test('hedged attempts go to different endpoints', async () => {
  await using backends = await startBackends(3);
  for (const { behaviour } of backends.slice(1)) behaviour.hang = true;
  const [good] = backends;
  const source = script();
  await using client = echo(source, { hedging: { maxAttempts: 3, delayMs: 5 } });
  source.give(places(backends));
  await connected(client, backends);
  expect(counts(await answerers(client, 30))).toEqual({ [good.address]: 30 });
});

test('throttling stops retries while too many calls fail', async () => {
  await using backends = await startBackends(2);
  for (const { behaviour } of backends) behaviour.fail = status.UNAVAILABLE;
  const source = script();
  await using client = echo(source, {
    retry: { maxAttempts: 3, initialBackoffMs: 1, maxBackoffMs: 1 },
    throttling: { maxTokens: 10, tokenRatio: 0.1 },
  });
  source.give(places(backends));
  await answerers(client, 50);
  const attempts = backends.reduce((sum, backend) => sum + backend.attempts.length, 0);
  expect(attempts).toBeGreaterThan(50);
  expect(attempts).toBeLessThan(60);
});

test('a retry keeps within the deadline, and what may not be repeated is not', async () => {
  await using backends = await startBackends(2);
  for (const { behaviour } of backends) behaviour.fail = status.UNAVAILABLE;
  const source = script();
  const retry = { maxAttempts: 5, initialBackoffMs: 8000, maxBackoffMs: 8000 };
  await using client = echo(source, { retry, deadlineMs: 300 });
  await using other = echo(source, { retry: { ...retry, methods: ['Repeat'] } });
  source.give(places(backends));
  const begun = performance.now();
  await answerers(client, 1);
  expect(performance.now() - begun).toBeLessThan(AT_ONCE_MS);
  for (const { attempts } of backends) attempts.length = 0;
  // Were it repeated, it would end at its deadline, before the second attempt.
  expect(await answerers(other, 1)).toEqual(['UNAVAILABLE']);
  expect(backends.reduce((sum, backend) => sum + backend.attempts.length, 0)).toBe(1);
});
