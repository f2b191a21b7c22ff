// grpc.health.v1.Health (grpc-proto's health.proto). The definition is grpc-health-check's; its implementation would
// keep open Watch streams for ever, and a shutdown waiting for them.
import {
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { service as definition } from 'grpc-health-check';
import type { HealthState, ServingStatus } from './health.ts';

type HealthRequest = { service: string };
type HealthResponse = { status: ServingStatus | 'SERVICE_UNKNOWN' };
type Watch = ServerWritableStream<HealthRequest, HealthResponse>;

/** health.proto: a server may refuse to list more than it thinks fit. */
const MOST_LISTED = 100;

/** @returns what ends every Watch, those that come later too. */
export function addHealthService(server: Server, { health, statusOf, onChange }: HealthState): () => void {
  const watches = new Set<Watch>();
  let ended = false;

  server.addService(definition, {
    check(call: ServerUnaryCall<HealthRequest, HealthResponse>, callback: sendUnaryData<HealthResponse>) {
      const current = statusOf(call.request.service);
      if (current) callback(null, { status: current });
      else callback({ code: status.NOT_FOUND, details: `unknown service "${call.request.service}"` });
    },

    list(_call: ServerUnaryCall<object, object>, callback: sendUnaryData<object>) {
      const all = Object.keys(health.current());
      if (all.length > MOST_LISTED) {
        callback({ code: status.RESOURCE_EXHAUSTED, details: `more than ${MOST_LISTED} services` });
        return;
      }
      callback(null, { statuses: Object.fromEntries(all.map((name) => [name, { status: statusOf(name) }])) });
    },

    watch(call: Watch) {
      if (ended) {
        end(call);
        return;
      }
      let told: string | undefined;
      function tell(): void {
        const current = statusOf(call.request.service) ?? 'SERVICE_UNKNOWN';
        if (current !== told) call.write({ status: current });
        told = current;
      }
      const forget = onChange(tell);
      watches.add(call);
      call.once('close', () => {
        forget();
        watches.delete(call);
      });
      tell();
    },
  });

  return () => {
    ended = true;
    for (const call of watches) end(call);
  };
}

/** UNAVAILABLE is what makes a watcher ask elsewhere. */
function end(call: Watch): void {
  call.emit('error', { code: status.UNAVAILABLE, details: 'the server is shutting down' });
}
