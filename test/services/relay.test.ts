// Something between that forgets idle connections without a word.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRelay } from '../../services/greeter-server/idle-cut.ts';
import { greet, openGreeter } from './grpc-clients.ts';
import * as harness from './harness.ts';

const { until } = harness;
const HOST = '127.0.0.1';

/** A server that sends back what it gets; `sockets` are its sides of connections. */
async function startEcho() {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server.listen(0, HOST), 'listening');
  return { sockets, target: { host: HOST, port: (server.address() as AddressInfo).port } };
}

async function relayTo(target: { host: string; port: number }, idleCutMs: number) {
  const relay = await startRelay({ target, host: HOST, port: 0, idleCutMs });
  onTestFinished(() => relay.close());
  return relay;
}

/** What a side hears. */
function listenTo(socket: Socket) {
  const heard: string[] = [];
  socket.on('data', (chunk) => heard.push(String(chunk)));
  for (const event of ['end', 'close'] as const) socket.on(event, () => heard.push(`<${event}>`));
  socket.on('error', (error: NodeJS.ErrnoException) => heard.push(`<${error.code}>`));
  return heard;
}

async function open(port: number) {
  const socket = connect({ host: HOST, port, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  const heard = listenTo(socket);
  await once(socket, 'connect');
  return { socket, heard };
}

/** To the server and back. */
async function exchange({ socket, heard }: Awaited<ReturnType<typeof open>>, text: string) {
  socket.write(text);
  await until('the answer', () => heard.at(-1)?.endsWith(text));
}

describe('a relay', () => {
  it('passes on what either side says, and its end', async () => {
    const { target } = await startEcho();
    const relay = await relayTo(target, 0);
    const { socket, heard } = await open(relay.port);
    socket.end('x'.repeat(300_000));
    await until('its end', () => heard.includes('<end>'));
    expect(heard.join('')).toContain('x'.repeat(300_000));
    await until('both are closed', () => relay.connections().open === 0);
    expect(relay.connections()).toEqual({ open: 0, dead: 0 });
  });

  it('resets a connection that its target does not take', async () => {
    const nobody = createServer();
    await once(nobody.listen(0, HOST), 'listening');
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    const relay = await relayTo({ host: HOST, port }, 0);
    const { heard } = await open(relay.port);
    await until('it is closed', () => heard.includes('<close>'));
    expect(heard).toEqual(['<ECONNRESET>', '<close>']);
  });

  it('resets one side when the other is reset', async () => {
    const { target, sockets } = await startEcho();
    const relay = await relayTo(target, 0);
    const near = await open(relay.port);
    await exchange(near, 'one');
    sockets[0]?.resetAndDestroy();
    await until('it is closed', () => near.heard.includes('<close>'));
    expect(near.heard).toEqual(['one', '<ECONNRESET>', '<close>']);
  });

  it('throws away what either side says once neither has for so long, and tells neither', async () => {
    const { target, sockets } = await startEcho();
    const relay = await relayTo(target, 1000);
    const near = await open(relay.port);
    await exchange(near, 'one');
    const far = listenTo(sockets[0] as Socket);
    await until('it is dead', () => relay.connections().dead === 1);

    near.socket.end('two');
    sockets[0]?.write('three');
    sockets[0]?.resetAndDestroy();
    // A connection that is made, and answered, after that.
    await exchange(await open(relay.port), 'four');
    expect(near.heard).toEqual(['one']);
    expect(far.filter((text) => text !== '<close>')).toEqual([]);
    expect(relay.connections().open).toBe(2);
  });

  it('keeps a connection for as long as something is said', async () => {
    const { target } = await startEcho();
    const relay = await relayTo(target, 1000);
    const near = await open(relay.port);
    const endMs = performance.now() + 2500;
    for (let times = 0; performance.now() < endMs; times += 1) await exchange(near, `<${times}>`);
    expect(relay.connections()).toEqual({ open: 1, dead: 0 });
  });
});

describe('relay.js', () => {
  it('makes a call on an idle connection hang, and not one on a fresh connection', async () => {
    await using server = await harness.startServer();
    await using relay = await harness.startRelay({ RELAY_TARGET: server.target, RELAY_IDLE_CUT_MS: '1000' });
    expect((await relay.request('GET', '/healthz', undefined, {})).status).toBe(200);
    using client = openGreeter(relay.target);
    expect((await greet(client)).code).toBe('OK');
    await until('it is idle', async () => (await relay.ask('GET', '/connections')).dead === 1);
    expect((await greet(client, 500)).code).toBe('DEADLINE_EXCEEDED');
    using fresh = openGreeter(relay.target);
    expect((await greet(fresh)).code).toBe('OK');
    relay.kill('SIGTERM');
    expect(await relay.exited()).toMatchObject({ exitCode: 0 });
  });

  it('says what is wrong with its settings', async () => {
    const run = (env: Record<string, string>) => harness.runToEnd('greeter-server', env, 'relay');
    expect(await run({})).toEqual({
      exitCode: 2,
      stderr: 'relay: RELAY_TARGET is required: where to relay to',
    });
    const { stderr } = await run({ RELAY_TARGET: 'greeter', RELAY_IDLE_CUT_MS: 'soon' });
    expect(stderr).toContain('RELAY_TARGET must be host:port, not "greeter"');
    expect(stderr).toContain('RELAY_IDLE_CUT_MS must be a whole number from 0 to 2147483647, not "soon"');
    expect((await run({ RELAY_TARGET: 'greeter:70000' })).stderr).toContain(
      'must have a port from 1 to 65535',
    );
  });
});

it('forgets from when it is told to, and cuts what it has forgotten when it is told to forget no more', async () => {
  const { target } = await startEcho();
  const relay = await relayTo(target, 0);
  const { socket, heard } = await open(relay.port);
  socket.write('before');
  await until('the echo comes', () => heard.includes('before'));
  relay.changeIdleCut(50);
  await until('it is forgotten', () => relay.connections().dead === 1);
  socket.write('into the hole');
  expect(heard).toEqual(['before']);
  relay.changeIdleCut(0);
  await until('it is cut', () => heard.some((each) => /close|ECONNRESET|end/.test(each)));
  expect(relay.connections().dead).toBe(0);
});
