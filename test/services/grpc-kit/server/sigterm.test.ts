import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { ServeOptions } from '../../../../services/grpc-kit/src/server/index.ts';
import { openEcho, RETRYING, type Reply, say, sleep } from './echo.ts';
import { eventually } from './eventually.ts';

const program = fileURLToPath(new URL('./draining-server.ts', import.meta.url));

type Line = {
  name?: string;
  port?: number;
  phase?: string;
  hook?: string;
  left?: string[];
};

async function start(options: ServeOptions, env: Record<string, string> = {}) {
  const running = execa(process.execPath, [program], {
    env: { OPTIONS: JSON.stringify(options), BUSY: '1', ...env },
    extendEnv: false,
    reject: false,
    forceKillAfterDelay: false,
  });
  let output = '';
  running.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const lines = () =>
    output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
  const names = (env.SERVERS ?? 'one').split(' ');
  await eventually(() => expect(lines().filter(({ port }) => port)).toHaveLength(names.length));
  return {
    target: `127.0.0.1:${lines().find(({ port }) => port)?.port}`,
    lines,
    phases: (name = 'one') =>
      lines().flatMap((line) => (line.name === name && line.phase ? [line.phase] : [])),
    kill: (signal: NodeJS.Signals = 'SIGTERM') => running.kill(signal),
    ended: () => running.then(({ exitCode, signal, stderr }) => ({ exitCode, signal, stderr })),
    async [Symbol.asyncDispose]() {
      running.kill('SIGKILL');
      await running;
    },
  };
}

const ALL = ['sigterm', 'not-serving', 'shutting-down', 'done'];
const WELL = { exitCode: 0, signal: undefined, stderr: '' };

describe.concurrent('SIGTERM', () => {
  it('ends the process with code 0 and costs not one call under load, also when it comes twice', async () => {
    await using stays = await start({});
    await using goes = await start({ drainDelayMs: 600 });
    using client = openEcho(`ipv4:${stays.target},${goes.target}`, RETRYING);
    const replies: Reply[] = [];
    let started = 0;
    let running = true;
    async function load(): Promise<void> {
      while (running) {
        started += 1;
        void say(client, 20).then((reply) => replies.push(reply));
        await sleep(3);
      }
    }
    const loading = load();
    await eventually(() => expect(replies.length).toBeGreaterThan(100));
    const startMs = performance.now();
    goes.kill();
    await eventually(() => expect(goes.phases()).toContain('not-serving'));
    goes.kill();
    expect(await goes.ended()).toEqual(WELL);
    expect(performance.now() - startMs).toBeGreaterThan(595);
    const beforeEnd = started;
    await eventually(() => expect(replies.length).toBeGreaterThan(beforeEnd + 50));
    running = false;
    await loading;
    await eventually(() => expect(replies).toHaveLength(started));
    expect(replies.filter(({ code }) => code !== 'OK')).toEqual([]);
    expect(goes.phases()).toEqual(ALL);
  });

  it('waits for calls in flight', async () => {
    await using server = await start({ drainDelayMs: 400 });
    using client = openEcho(server.target);
    await say(client);
    const call = say(client, 1500);
    server.kill();
    expect((await call).code).toBe('OK');
    expect(await server.ended()).toEqual(WELL);
  });

  it('during the hook does not end the process before its time', async () => {
    await using server = await start({ drainDelayMs: 0 }, { HOOK: 'slow' });
    server.kill();
    await eventually(() => expect(server.phases()).toContain('done'));
    server.kill();
    expect(await server.ended()).toEqual(WELL);
    expect(server.lines().at(-1)).toEqual({ hook: 'ended' });
  });

  it('ends the process with code 1 when the hook fails', async () => {
    await using server = await start({ drainDelayMs: 0 }, { HOOK: 'failing' });
    server.kill();
    expect(await server.ended()).toEqual({
      exitCode: 1,
      signal: undefined,
      stderr: 'grpc-kit: the drain failed: no disk',
    });
  });

  it('drains every server of the process', async () => {
    await using server = await start({}, { SERVERS: 'one two' });
    server.kill();
    expect(await server.ended()).toEqual(WELL);
    expect(server.phases('one')).toEqual(ALL);
    expect(server.phases('two')).toEqual(ALL);
  });

  it('is one of the signals that can be chosen', async () => {
    await using server = await start({ drainDelayMs: 0, drainOn: ['SIGUSR2'] });
    server.kill('SIGUSR2');
    expect(await server.ended()).toEqual(WELL);
    expect(server.phases()).toEqual(ALL);
    await using deaf = await start({ drainOn: [] });
    deaf.kill();
    expect(await deaf.ended()).toMatchObject({ signal: 'SIGTERM' });
  });

  it('need not end the process', async () => {
    await using busy = await start({ drainDelayMs: 0, exitAfterDrain: false });
    await using idle = await start({ drainDelayMs: 0, exitAfterDrain: false }, { BUSY: '' });
    busy.kill();
    idle.kill();
    expect(await idle.ended()).toEqual(WELL);
    await eventually(() => expect(busy.phases()).toEqual(ALL));
    await sleep(200);
    // Back to what a signal does by itself.
    busy.kill();
    expect(await busy.ended()).toMatchObject({ signal: 'SIGTERM' });
  });
});

it('a server that is closed leaves nothing behind', async () => {
  await using server = await start({ keepaliveMinTimeMs: 1000 }, { CLOSE: '1', BUSY: '' });
  expect(await server.ended()).toEqual(WELL);
  expect(server.lines().at(-1)).toEqual({ left: [], handlers: 0, subscribed: [] });
});
