// Starts the services as the images do: from their bundle, as processes of their own, on ports that the system chose.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, vi } from 'vitest';
import { TOKEN_HEADER } from '../../services/protocol/index.ts';

export const root = join(import.meta.dirname, '../..');
export const TOKEN = 'a-token-for-tests';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

export function build(outdir: string): void {
  execFileSync(process.execPath, [join(root, 'services/build.ts'), outdir], { stdio: 'inherit' });
}

let bundles = '';
beforeAll(() => {
  bundles = mkdtempSync(join(tmpdir(), 'services-'));
  build(bundles);
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));

/** Asks until the answer is there. @throws with the last answer when the time is over. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

type Env = Record<string, string>;

function spawn(service: string, env: Env, program = 'main') {
  return execa(process.execPath, [join(bundles, service, `${program}.js`)], {
    env: {
      LAB_TOKEN: TOKEN,
      BIND_ADDRESS: '127.0.0.1',
      GRPC_PORT: '0',
      CONTROL_PORT: '0',
      RELAY_PORT: '0',
      ...env,
    },
    extendEnv: false,
    reject: false,
    // How a service ends is what is tested: no SIGKILL after a SIGTERM that takes its time.
    forceKillAfterDelay: false,
  });
}

/** Runs a service that is expected to end by itself. */
export async function runToEnd(service: string, env: Env, program?: string) {
  const { exitCode, stderr } = await spawn(service, env, program);
  return { exitCode, stderr };
}

export type Service = Awaited<ReturnType<typeof start>>;

export const startServer = (env: Env = {}) => start('greeter-server', { POD_NAME: 'server-0', ...env });
export const startClient = (env: Env = {}) => start('greeter-client', { POD_NAME: 'client-0', ...env });
/** Its `target` is where it relays from. */
export const startRelay = (env: Env, program = 'relay') => start('greeter-server', env, program);

async function start(service: string, env: Env, program?: string) {
  const running = spawn(service, env, program);
  let output = '';
  running.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const line = await Promise.race([
    until(`${service} listens`, () => output.split('\n').find((text) => text.includes('"listening"'))),
    running.then(({ stderr }) => Promise.reject(new Error(`${service} ended: ${stderr}`))),
  ]);
  type Ports = { grpcPort?: number; relayPort?: number; controlPort: number };
  const { relayPort = 0, grpcPort = relayPort, controlPort } = JSON.parse(line) as Ports;
  const url = `http://127.0.0.1:${controlPort}`;

  /** Any request; the answer's status and JSON. */
  async function request(
    method: string,
    path: string,
    body?: unknown,
    headers: Env = { [TOKEN_HEADER]: TOKEN },
  ) {
    const response = await fetch(url + path, {
      method,
      headers,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
    return { status: response.status, body: (await response.json()) as any };
  }

  return {
    target: `127.0.0.1:${grpcPort}`,
    grpcPort,
    controlPort,
    request,
    /** A request that has to succeed. */
    async ask(method: string, path: string, body?: unknown) {
      const answer = await request(method, path, body);
      if (answer.status >= 300)
        throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    kill: (signal: NodeJS.Signals) => running.kill(signal),
    exited: () => running.then(({ exitCode, signal }) => ({ exitCode, signal })),
    output: () => output,
    openEvents: <Event>(path = '/events') => openEvents<Event>(url + path),
    async [Symbol.asyncDispose]() {
      running.kill('SIGKILL');
      await running;
    },
  };
}

/** Reads a stream of events as it comes. `ended` is how it ended, once it has. */
async function openEvents<Event>(url: string) {
  const abort = new AbortController();
  const response = await fetch(url, { headers: { [TOKEN_HEADER]: TOKEN }, signal: abort.signal });
  if (!response.ok || !response.body) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  const events: Event[] = [];
  const stream = { events, ended: undefined as 'well' | 'broken' | undefined, close: () => abort.abort() };
  void read(response.body, events).then(
    () => {
      stream.ended = 'well';
    },
    () => {
      stream.ended = 'broken';
    },
  );
  return stream;
}

async function read<Event>(body: ReadableStream<Uint8Array>, events: Event[]): Promise<void> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) events.push(JSON.parse(line) as Event);
  }
}
