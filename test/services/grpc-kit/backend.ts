// Servers that echo, each on a port of its own, and that can be told to fail, hang, freeze or go.
import { once } from 'node:events';
import { connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import {
  ServerCredentials as Credentials,
  Metadata,
  Server,
  type ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type status,
} from '@grpc/grpc-js';
import { EchoService, type Message } from './echo-service.ts';

type Behaviour = { fail?: status; hang?: boolean; delayMs?: number };

export type Backend = AsyncDisposable & {
  /** `127.0.0.1:40001` */
  address: string;
  port: number;
  /** Attempts that reached it, by what came with them. */
  attempts: Metadata[];
  /** The `:authority` of each. */
  hosts: string[];
  behaviour: Behaviour;
  /** Connections that are open. */
  connections: () => number;
  /** Connections that were ever made. */
  accepted: () => number;
  /** Cuts all connections without a word of HTTP/2, and accepts no more. */
  kill: () => Promise<void>;
  /** Passes no more bytes on, in either direction, and closes nothing: what a frozen process looks like. */
  freeze: () => void;
};

/** A gRPC server behind a TCP relay, which counts connections and can cut or freeze them. */
export async function startBackend(
  options: { serverOptions?: Record<string, number>; credentials?: ServerCredentials; port?: number } = {},
): Promise<Backend> {
  const attempts: Metadata[] = [];
  const hosts: string[] = [];
  const behaviour: Behaviour = {};
  const server = new Server(options.serverOptions);
  server.addService(EchoService, {
    unary: (call: ServerUnaryCall<Message, Message>, callback: sendUnaryData<Message>) => {
      attempts.push(call.metadata);
      hosts.push(call.getHost());
      const { fail, hang, delayMs = 0 } = backend.behaviour;
      if (hang) return;
      const answer = (): void => {
        const metadata = new Metadata();
        metadata.set('answered-by', backend.address);
        if (fail !== undefined) {
          callback({ code: fail, details: 'told to fail', metadata });
          return;
        }
        call.sendMetadata(metadata);
        callback(null, { text: call.request.text });
      };
      if (delayMs > 0) setTimeout(answer, delayMs);
      else answer();
    },
    repeat: (call: { request: Message; write: (text: Message) => void; end: () => void }) => {
      if (backend.behaviour.hang) {
        call.write({ text: 'first' });
        return;
      }
      for (const text of call.request.text.split(' ')) call.write({ text });
      call.end();
    },
    collect: (call: AsyncIterable<Message>, callback: sendUnaryData<Message>) => {
      void (async () => {
        const texts: string[] = [];
        for await (const { text } of call) texts.push(text);
        callback(null, { text: texts.join(' ') });
      })().catch(() => {});
    },
    chat: (call: NodeJS.ReadWriteStream) => {
      call.on('data', ({ text }: Message) => call.write({ text: text.toUpperCase() } as never));
      call.on('end', () => call.end());
    },
  });
  const inner = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', options.credentials ?? Credentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
  const relay = await startRelay(inner, options.port ?? 0);
  const backend: Backend = {
    address: `127.0.0.1:${relay.port}`,
    port: relay.port,
    attempts,
    hosts,
    behaviour,
    connections: () => relay.sockets.size,
    accepted: () => relay.accepted(),
    kill: relay.close,
    freeze: relay.freeze,
    [Symbol.asyncDispose]: async () => {
      await relay.close();
      server.forceShutdown();
    },
  };
  return backend;
}

async function startRelay(inner: number, asked: number) {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server: NetServer = createServer((outside) => {
    accepted += 1;
    const inside = connect(inner, '127.0.0.1');
    sockets.add(outside);
    outside.pipe(inside).pipe(outside);
    outside.on('error', () => inside.destroy());
    inside.on('error', () => outside.destroy());
    outside.on('close', () => {
      sockets.delete(outside);
      inside.destroy();
    });
    inside.on('close', () => outside.destroy());
  });
  server.listen(asked, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    sockets,
    accepted: () => accepted,
    freeze: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.resetAndDestroy();
      await closed;
    },
  };
}
