// What a server answers to gRPC: its health, its services, and a method.
import { Client, credentials, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { nowMs, roundMs } from '../../common/clock.ts';
import type { AddressProbe } from '../../protocol/index.ts';
import { type End, outcomeOf } from '../stacks/outcome.ts';
import { leaveNoSocket } from './no-socket-left.ts';
import { listServices } from './reflection.ts';

type GrpcProbe = Pick<AddressProbe, 'health' | 'reflection' | 'method'>;
type Check = {
  path: string;
  requestSerialize: (value: { service: string }) => Buffer;
  responseDeserialize: (bytes: Buffer) => { status: string };
};
type Health = NonNullable<AddressProbe['health']>[string];
type Method = NonNullable<AddressProbe['method']>;

export type GrpcProbeOptions = {
  /** What the client dials: the calls' authority, and the server's name in TLS. */
  name: string;
  tls: boolean;
  /** `/package.Service/Method`; undefined: none is called. */
  method: string | undefined;
  timeoutMs: number;
};

/**
 * Asks all at once, on a connection of its own that goes through no proxy. Certificates are not verified: what is behind
 * a bad one can still be seen.
 */
export function probeGrpc(
  place: { address: string; port: number },
  { name, tls, method, timeoutMs }: GrpcProbeOptions,
): Promise<GrpcProbe> {
  return leaveNoSocket(async () => {
    const client = open(place, name, tls);
    const deadline = Date.now() + timeoutMs;
    const services = method === undefined ? [''] : ['', method.split('/')[1] ?? ''];
    try {
      const [health, reflection, called] = await Promise.all([
        Promise.all(services.map((service) => check(client, service, deadline))),
        listServices(client, deadline),
        method === undefined ? undefined : call(client, method, deadline),
      ]);
      return {
        health: Object.fromEntries(health),
        reflection,
        ...(called && { method: called }),
      };
    } finally {
      client.close();
    }
  });
}

function open({ address, port }: { address: string; port: number }, name: string, tls: boolean): Client {
  const target = address.includes(':') ? `ipv6:[${address}]:${port}` : `ipv4:${address}:${port}`;
  return new Client(
    target,
    tls
      ? credentials.createSsl(null, null, null, { rejectUnauthorized: false })
      : credentials.createInsecure(),
    {
      'grpc.default_authority': name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`,
      'grpc.ssl_target_name_override': name,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_http_proxy': 0,
      // The channels that the lab counts are those of workloads.
      'grpc.enable_channelz': 0,
    },
  );
}

function check(client: Client, service: string, deadline: number): Promise<[string, Health]> {
  const { path, requestSerialize, responseDeserialize } = healthService.Check as Check;
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service },
      { deadline },
      (error: ServiceError | null, answer) => {
        const { code, message } = outcomeOf(undefined, undefined, error ?? OK);
        resolve([service, { code, ...(message && { message }), ...(answer && { serving: answer.status }) }]);
      },
    );
  });
}

const OK: End = { code: status.OK, details: '' };
const asItIs = (bytes: Buffer) => bytes;

/** With an empty message; a method that streams is OK with the first of its answers. */
function call(client: Client, path: string, deadline: number): Promise<Method> {
  const startedMs = nowMs();
  return new Promise((resolve) => {
    const stream = client.makeServerStreamRequest(path, asItIs, asItIs, Buffer.alloc(0), { deadline });
    let headers: Metadata | undefined;
    function answer(end: End): void {
      const { code, message, pod } = outcomeOf(undefined, headers, end);
      const ms = roundMs(nowMs() - startedMs);
      resolve({ ms, code, ...(message && { message }), ...(pod !== undefined && { pod }) });
    }
    stream.once('metadata', (received: Metadata) => {
      headers = received;
    });
    stream.once('data', () => {
      answer(OK);
      stream.cancel();
    });
    stream.once('status', answer);
    // Its status tells all.
    stream.on('error', () => {});
  });
}
