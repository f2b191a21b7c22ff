// The echo service as `serve` hosts it, and clients of it, for tests of the server.
import {
  ChannelCredentials,
  type ChannelOptions,
  type Client,
  type ClientReadableStream,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import {
  type Implementation,
  type ServeOptions,
  type StartedServer,
  serve,
} from '../../../../services/grpc-kit/src/server/index.ts';
import { EchoService, type Message } from '../echo-service.ts';

export { EchoService, type Message };

/** Answers with what it was told; `repeat` says it once and stays open. */
export function echo(seen: { started: number; atOnce: number; mostAtOnce: number } = counts()) {
  const implementation: Implementation<typeof EchoService> = {
    unary(call, callback) {
      seen.started += 1;
      seen.atOnce += 1;
      seen.mostAtOnce = Math.max(seen.mostAtOnce, seen.atOnce);
      setTimeout(() => {
        seen.atOnce -= 1;
        callback(null, { text: call.request.text });
      }, call.request.delayMs ?? 0);
    },
    collect(call, callback) {
      const texts: string[] = [];
      call.on('data', (message: Message) => texts.push(message.text));
      call.on('end', () => callback(null, { text: texts.join('') }));
    },
    repeat(call) {
      call.write({ text: call.request.text });
    },
    chat(call) {
      call.on('data', (message: Message) => call.write(message));
      call.on('end', () => call.end());
    },
  };
  return implementation;
}
export const counts = () => ({ started: 0, atOnce: 0, mostAtOnce: 0 });

export type Started = StartedServer & { target: string; said: string[] };

/** On a port of its own, deaf to signals, and without the delay of a drain. */
export async function startEcho(options: ServeOptions = {}, seen = counts()): Promise<Started> {
  const said: string[] = [];
  const note = (message: string) => void said.push(message);
  const server = await serve([[EchoService, echo(seen)]], {
    host: '127.0.0.1',
    port: 0,
    drainOn: [],
    drainDelayMs: 0,
    logger: { info: note, warn: note },
    ...options,
  });
  return Object.assign(server, { target: `127.0.0.1:${server.port}`, said });
}

// biome-ignore lint/suspicious/noExplicitAny: methods made at run time
export type DynamicClient = Client & Disposable & Record<string, any>;

export function open(
  definition: Parameters<typeof makeGenericClientConstructor>[0],
  target: string,
  options: ChannelOptions = {},
  credentials = ChannelCredentials.createInsecure(),
): DynamicClient {
  const make = makeGenericClientConstructor(definition, 'test');
  const client = new make(target, credentials, { 'grpc.use_local_subchannel_pool': 1, ...options });
  return Object.assign(client as unknown as DynamicClient, { [Symbol.dispose]: () => client.close() });
}

export const openEcho = (target: string, options?: ChannelOptions, credentials?: ChannelCredentials) =>
  open(EchoService, target, options, credentials);
export const openHealth = (target: string, options?: ChannelOptions, credentials?: ChannelCredentials) =>
  open(healthDefinition, target, options, credentials);

export type Reply = { code: string; details: string; ms: number; answer: Record<string, unknown> };

export function unary(
  client: DynamicClient,
  name: string,
  request: object,
  deadlineMs = 10_000,
): Promise<Reply> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    client[name](
      request,
      { deadline: Date.now() + deadlineMs },
      (error: ServiceError | null, answer?: Record<string, unknown>) =>
        resolve({
          code: status[error ? error.code : 0] ?? '?',
          details: error?.details ?? '',
          ms: performance.now() - startedMs,
          answer: answer ?? {},
        }),
    );
  });
}

export const say = (client: DynamicClient, delayMs = 0, text = 'hi', deadlineMs?: number) =>
  unary(client, 'unary', { text, delayMs }, deadlineMs);

/** What the health service says of a service, or the code of its refusal. */
export async function healthOf(client: DynamicClient, service: string): Promise<unknown> {
  const { code, answer } = await unary(client, 'check', { service });
  return code === 'OK' ? answer.status : code;
}

/** Everything that a stream of responses brings, and how it ended. */
export function listen<T>(stream: ClientReadableStream<T>) {
  const heard = { messages: [] as T[], code: undefined as string | undefined };
  stream.on('data', (message: T) => heard.messages.push(message));
  stream.on('error', (error: ServiceError) => {
    heard.code = status[error.code];
  });
  stream.on('end', () => {
    heard.code ??= 'OK';
  });
  return heard;
}

/** Round robin, and retries of what is UNAVAILABLE: a client that a drain should cost nothing. */
export const RETRYING: ChannelOptions = {
  'grpc.service_config': JSON.stringify({
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: [
      {
        name: [{}],
        retryPolicy: {
          maxAttempts: 4,
          initialBackoff: '0.010000000s',
          maxBackoff: '0.100000000s',
          backoffMultiplier: 2,
          retryableStatusCodes: ['UNAVAILABLE'],
        },
      },
    ],
  }),
};

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
