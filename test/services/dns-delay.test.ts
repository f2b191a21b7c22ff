// A relay that makes a DNS server slow: over UDP, over TCP, and as a program of its own.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startDnsRelay } from '../../services/greeter-server/dns-delay.ts';
import { runToEnd, startRelay } from './harness.ts';

const HOST = '127.0.0.1';
const DELAY_MS = 200;
/** Timers are early by less than this. */
const EARLY_MS = 5;

/** Answers each question with itself and how many there were, over UDP and TCP on one port. */
async function startServer(wanted = 0) {
  let asked = 0;
  const udp = createSocket('udp4');
  udp.on('message', (question, from) => udp.send(`${question} ${++asked}`, from.port, from.address));
  udp.bind(wanted, HOST);
  await once(udp, 'listening');
  const { port } = udp.address() as AddressInfo;
  const tcp = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  await once(tcp.listen(port, HOST), 'listening');
  let open = true;
  const close = () => {
    if (open) for (const socket of [udp, tcp]) socket.close();
    open = false;
  };
  onTestFinished(close);
  return { port, close };
}

async function relayTo({ port }: { port: number }, delayMs = DELAY_MS) {
  const target = { host: HOST, port };
  const relay = await startDnsRelay({ host: HOST, port: 0, target, delayMs });
  onTestFinished(() => relay.close());
  return relay;
}

/** The answer, and how long it took. */
async function askUdp(port: number, question: string, timeoutMs = 5000) {
  const fromMs = performance.now();
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.send(question, port, HOST);
  const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(timeoutMs) });
  return { answer: String(answer), tookMs: performance.now() - fromMs };
}

describe('a DNS relay', () => {
  it('hands over each question late, to each who asks its own answer', async () => {
    const delayMs = 1500;
    const relay = await relayTo(await startServer(), delayMs);
    const answers = await Promise.all(['a', 'b', 'c'].map((question) => askUdp(relay.port, question)));
    expect(answers.map(({ answer }) => answer[0])).toEqual(['a', 'b', 'c']);
    for (const { tookMs } of answers) expect(tookMs).toBeGreaterThan(delayMs - EARLY_MS);
    // At the same time, not one after another.
    expect(Math.max(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(3 * delayMs - EARLY_MS);
  });

  it('hands over what comes by TCP as late, and ends when both sides have', async () => {
    const relay = await relayTo(await startServer());
    const socket = connect({ host: HOST, port: relay.port, allowHalfOpen: true });
    const fromMs = performance.now();
    socket.end('long');
    expect(await text(socket)).toBe('long');
    expect(performance.now() - fromMs).toBeGreaterThan(DELAY_MS - EARLY_MS);
  });

  it('goes on where nobody is behind it', async () => {
    const { port, close } = await startServer();
    close();
    const relay = await relayTo({ port });
    const socket = connect({ host: HOST, port: relay.port });
    socket.on('error', () => {});
    socket.write('lost');
    await once(socket, 'close');
    const asked = askUdp(relay.port, 'late').catch(() => 'no answer');
    expect(await Promise.race([asked, sleep(2 * DELAY_MS, 'none yet')])).toBe('none yet');
    await startServer(port);
    expect((await askUdp(relay.port, 'there')).answer).toBe('there 1');
  });

  it('listens no more when it is closed, whatever is still to be handed over', async () => {
    const relay = await relayTo(await startServer());
    const asked = askUdp(relay.port, 'lost', 2 * DELAY_MS);
    const open = connect({ host: HOST, port: relay.port });
    open.write('lost too');
    const ended = once(open, 'close');
    await sleep(DELAY_MS / 2);
    relay.close();
    await ended;
    await expect(asked).rejects.toThrow();
    await expect(once(connect({ host: HOST, port: relay.port }), 'connect')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });
});

describe('dns-relay.js', () => {
  it('is that as a program, which serves on for a while after SIGTERM', async () => {
    const { port } = await startServer();
    await using relay = await startRelay(
      { DNS_RELAY_PORT: '0', DNS_RELAY_TARGET_PORT: `${port}`, DNS_RELAY_DELAY_MS: `${DELAY_MS}` },
      'dns-relay',
    );
    const { answer, tookMs } = await askUdp(relay.grpcPort, 'x');
    expect(answer).toBe('x 1');
    expect(tookMs).toBeGreaterThan(DELAY_MS - EARLY_MS);
    relay.kill('SIGTERM');
    expect((await askUdp(relay.grpcPort, 'y')).answer).toBe('y 2');
    expect(await relay.exited()).toMatchObject({ exitCode: 0 });
  });

  it('says what is wrong with its settings', async () => {
    const env = { DNS_RELAY_DELAY_MS: 'soon', DNS_RELAY_TARGET_PORT: '5353' };
    expect(await runToEnd('greeter-server', env, 'dns-relay')).toEqual({
      exitCode: 2,
      stderr: 'dns-relay: DNS_RELAY_DELAY_MS must be a whole number from 0 to 2147483647, not "soon"',
    });
  });
});
