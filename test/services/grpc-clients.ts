// gRPC clients of the tests' own, made from the .proto files: what they see is what any client would see.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Client,
  credentials,
  getChannelzServiceDefinition,
  loadPackageDefinition,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { root } from './harness.ts';

// biome-ignore lint/suspicious/noExplicitAny: methods made at run time
export type DynamicClient = Client & Record<string, any>;

const greeter = construct(join(root, 'services/proto/greet.proto'), 'greet.Greeter');
const reflection = construct(reflectionProto('v1'), 'grpc.reflection.v1.ServerReflection');

export function reflectionProto(version: 'v1' | 'v1alpha'): string {
  const entry = dirname(fileURLToPath(import.meta.resolve('@grpc/reflection')));
  return join(entry, `../proto/grpc/reflection/${version}/reflection.proto`);
}

function construct(proto: string, name: string) {
  let found: unknown = loadPackageDefinition(loadSync(proto, { defaults: true, keepCase: true }));
  for (const part of name.split('.')) found = (found as Record<string, unknown>)[part];
  return found as ReturnType<typeof makeGenericClientConstructor>;
}

const open = (make: ReturnType<typeof makeGenericClientConstructor>) => (target: string) =>
  disposable(new make(target, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }));

export const openGreeter = open(greeter);
export const openReflection = open(reflection);
export const openHealth = open(makeGenericClientConstructor(healthService, 'health'));
export const openChannelz = open(makeGenericClientConstructor(getChannelzServiceDefinition(), 'channelz'));

function disposable(client: Client): DynamicClient & Disposable {
  return Object.assign(client as DynamicClient, { [Symbol.dispose]: () => client.close() });
}

export type Reply = { code: string; message: string; metadata: Metadata; ms: number };

/** One call of any unary method; the answer's own fields are in `answer`. */
export function unary(
  client: DynamicClient,
  method: string,
  request: object,
  deadlineMs = 10_000,
  sent = new Metadata(),
) {
  const startedMs = performance.now();
  return new Promise<Reply & { answer: Record<string, unknown> }>((resolve) => {
    let metadata = new Metadata();
    const call = client[method](
      request,
      sent,
      { deadline: Date.now() + deadlineMs },
      (error: ServiceError | null, answer: Record<string, unknown>) => {
        if (error) metadata.merge(error.metadata);
        resolve({
          code: error ? (status[error.code] ?? '?') : 'OK',
          message: error?.details ?? '',
          answer: answer ?? {},
          metadata,
          ms: performance.now() - startedMs,
        });
      },
    );
    call.on('metadata', (received: Metadata) => {
      metadata = received;
    });
  });
}

export const greet = (client: DynamicClient, deadlineMs?: number, sent?: Metadata) =>
  unary(client, 'SayHello', { name: 'Ada' }, deadlineMs, sent);

/** What the health service says, or the code of its refusal. */
export async function healthOf(client: DynamicClient, service: string): Promise<unknown> {
  const { code, answer } = await unary(client, 'check', { service });
  return code === 'OK' ? answer.status : code;
}

/** How many connections a server has, but for the one that asks. */
export async function otherConnections(channelz: DynamicClient): Promise<number> {
  const { answer } = await unary(channelz, 'GetServers', {});
  const [server] = answer.server as { ref: { server_id: string } }[];
  const sockets = await unary(channelz, 'GetServerSockets', { server_id: server?.ref.server_id });
  return (sockets.answer.socket_ref as unknown[]).length - 1;
}
