import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addAdminServicesToServer, type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { GreeterService, type HelloReply, type HelloRequest } from '../gen/greet.ts';
import type { Health } from './health.ts';

/** The gRPC server with all its services: the greeter, health, reflection and channelz. */
export function createGrpcServer(
  serverOptions: Record<string, number>,
  health: Health,
  sayHello: handleUnaryCall<HelloRequest, HelloReply>,
): Server {
  const server = new Server(serverOptions);
  server.addService(GreeterService, { sayHello });
  health.implementation.addToServer(server);
  new ReflectionService(loadSync(greetProto())).addToServer(server);
  addAdminServicesToServer(server);
  return server;
}

/** Listens without TLS. @returns the port. @throws when it is taken. */
export function bind(server: Server, host: string, port: number): Promise<number> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
}

/** Beside the bundle, or where it is in the source tree. */
function greetProto(): string {
  const bundled = join(import.meta.dirname, 'proto/greet.proto');
  return existsSync(bundled) ? bundled : join(import.meta.dirname, '../proto/greet.proto');
}
