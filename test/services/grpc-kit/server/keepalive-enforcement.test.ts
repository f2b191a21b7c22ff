import { connect } from 'node:net';
import { Server } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { enforceKeepalive } from '../../../../services/grpc-kit/src/server/keepalive-enforcement.ts';
import { makeAuthority } from './certificates.ts';
import { openEcho, say, sleep, startEcho } from './echo.ts';
import { eventually } from './eventually.ts';
import { connectWire } from './http2.ts';

const UNARY = '/test.Echo/Unary';

/** An HTTP/2 frame. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
const OPENING = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(4, 0, 0, Buffer.alloc(0)),
]);
/** A string as HPACK has it, after the index of the name before it. */
const literal = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
/** POST, http, :authority, :path and content-type; the stream stays open. */
const REQUEST = frame(
  1,
  4,
  1,
  Buffer.concat([
    Buffer.from([0x83, 0x86, 0x01]),
    literal('test'),
    Buffer.from([0x04]),
    literal('/test.Echo/Chat'),
    Buffer.from([0x0f, 0x10]),
    literal('application/grpc'),
  ]),
);
const PING = frame(6, 0, 0, Buffer.from('ping-me!'));
const PING_ACK = frame(6, 1, 0, Buffer.from('ping-me!')).toString('latin1');

const DISMISSED = { code: 11, data: 'too_many_pings' };

describe.concurrent('a client that pings too often', () => {
  it('is dismissed at the third ping too many, after its first call', async () => {
    await using server = await startEcho({ keepaliveMinTimeMs: 60_000 });
    await using wire = await connectWire(server.target);
    expect(await wire.call(UNARY)).toBe('0');
    // The first may be, two are forgiven.
    for (let ping = 0; ping < 3; ping += 1) expect(await wire.ping()).toBe(true);
    expect(wire).toMatchObject({ closed: false, goaways: [] });
    await wire.ping();
    await eventually(() => expect(wire.closed).toBe(true));
    expect(wire.goaways[0]).toMatchObject(DISMISSED);
    expect(server.said).toEqual([]);
  });

  it('loses its calls in flight, and others do not', async () => {
    await using server = await startEcho({ keepaliveMinTimeMs: 60_000 });
    await using wire = await connectWire(server.target);
    await using other = await connectWire(server.target);
    const slow = '{"text":"hi","delayMs":1000}';
    const lost = wire.call(UNARY, slow);
    const kept = other.call(UNARY, slow);
    await sleep(50);
    for (let ping = 0; ping < 4; ping += 1) await wire.ping();
    expect(await lost).toBe('none');
    expect(await kept).toBe('0');
    expect(other.goaways).toEqual([]);
  });

  it('is disconnected even if it does not care', async () => {
    await using server = await startEcho({ keepaliveMinTimeMs: 60_000 });
    const socket = connect(server.port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.write(Buffer.concat([OPENING, REQUEST]));
    const answered = () => received.split(PING_ACK).length - 1;
    for (let ping = 1; ping <= 3; ping += 1) {
      socket.write(PING);
      await eventually(() => expect(answered()).toBe(ping));
    }
    socket.write(PING);
    await closed;
    expect(received).toContain(`\x00\x00\x00\x0b${DISMISSED.data}`);
  });

  it('is dismissed over TLS as well', async () => {
    const authority = await makeAuthority();
    await using server = await startEcho({ keepaliveMinTimeMs: 60_000, tls: await authority.server() });
    await using wire = await connectWire(`localhost:${server.port}`, { ca: authority.ca });
    expect(await wire.call(UNARY)).toBe('0');
    for (let ping = 0; ping < 4; ping += 1) await wire.ping();
    await eventually(() => expect(wire.closed).toBe(true));
    expect(wire.goaways[0]).toMatchObject(DISMISSED);
  });

  it('is a grpc-js client too, which then pings less', async () => {
    await using server = await startEcho({ keepaliveMinTimeMs: 120 });
    using client = openEcho(server.target, {
      'grpc.keepalive_time_ms': 80,
      'grpc.keepalive_permit_without_calls': 1,
    });
    expect((await say(client)).code).toBe('OK');
    // What grpc-js makes of ENHANCE_YOUR_CALM.
    expect((await say(client, 3000)).code).toBe('RESOURCE_EXHAUSTED');
    expect((await say(client, 1500)).code).toBe('OK');
  });
});

describe.concurrent('a client is left alone', () => {
  it('that pings no sooner than it may', async () => {
    await using server = await startEcho({ keepaliveMinTimeMs: 50 });
    await using wire = await connectWire(server.target);
    await wire.call(UNARY);
    for (let ping = 0; ping < 8; ping += 1) {
      expect(await wire.ping()).toBe(true);
      await sleep(70);
    }
    expect(wire.goaways).toEqual([]);
  });

  it('that is sent something between pings', async () => {
    await using server = await startEcho({ keepaliveMinTimeMs: 60_000 });
    await using wire = await connectWire(server.target);
    for (let ping = 0; ping < 10; ping += 1) {
      expect(await wire.call(UNARY)).toBe('0');
      for (let more = 0; more < 3; more += 1) expect(await wire.ping()).toBe(true);
    }
    // A message of a stream that stays open, too.
    const say = wire.chat('/test.Echo/Chat');
    for (let ping = 0; ping < 10; ping += 1) {
      await say('{"text":"hi"}');
      expect(await wire.ping()).toBe(true);
    }
    expect(wire.goaways).toEqual([]);
  });

  it('of a server that does not mind', async () => {
    await using minding = await startEcho({ keepaliveMinTimeMs: 60_000 });
    await using server = await startEcho();
    await using wire = await connectWire(server.target);
    await wire.call(UNARY);
    for (let ping = 0; ping < 20; ping += 1) expect(await wire.ping()).toBe(true);
    expect(wire.goaways).toEqual([]);
    expect(minding.state).toBe('serving');
  });

  it('when the server is closed and another takes its port', async () => {
    const first = await startEcho({ keepaliveMinTimeMs: 60_000 });
    await first.close();
    await using second = await startEcho({ port: first.port });
    await using wire = await connectWire(second.target);
    await wire.call(UNARY);
    for (let ping = 0; ping < 10; ping += 1) expect(await wire.ping()).toBe(true);
    expect(wire.goaways).toEqual([]);
  });
});

it('says once that it has no effect where Node.js tells nothing of sessions', async () => {
  const said: string[] = [];
  const enforcement = enforceKeepalive(1000, { info: () => {}, warn: (message) => said.push(message) });
  // Never started: as when the channel is silent.
  await using server = await startEcho({ serverOptions: { interceptors: [enforcement.interceptor] } });
  await using wire = await connectWire(server.target);
  expect(await wire.call(UNARY)).toBe('0');
  expect(await wire.call(UNARY)).toBe('0');
  expect(said).toEqual([expect.stringContaining('keepaliveMinTimeMs has no effect')]);
  expect(server.server).toBeInstanceOf(Server);
});
