import { type ClientUnaryCall, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { GreeterClient } from '../../gen/greet.ts';
import {
  CALL_METADATA,
  CLIENT_METADATA,
  GRPC_PREVIOUS_ATTEMPTS_METADATA,
  POD_METADATA,
  PREVIOUS_ATTEMPTS_METADATA,
  type WorkloadSpec,
} from '../../protocol/index.ts';
import { watchChannels } from './channelz.ts';
import { serviceConfig } from './service-config.ts';
import type { Outcome, Resolution, Stack } from './stack.ts';

const ownOptions = ['grpc.service_config', 'grpc.use_local_subchannel_pool'];
let opened = 0;

/** Bare grpc-js. @throws when grpc-js does not take the target, the retry policy or an option. */
export function openGrpcJs(
  spec: WorkloadSpec,
  client: string,
  onResolution: (resolution: Resolution) => void,
): Stack {
  for (const option of ownOptions.filter((name) => name in spec.channelOptions)) {
    throw new Error(`channelOptions: ${option} follows from policy, retry and subchannelPool`);
  }
  opened += 1;
  const options = {
    ...spec.channelOptions,
    'grpc.service_config': serviceConfig(spec),
    'grpc.use_local_subchannel_pool': spec.subchannelPool === 'own' ? 1 : 0,
    // Channels share connections when all their options are equal. With one that differs, a workload shares them
    // among its own channels only, and starts without those of an earlier one.
    'grpc-kind-lab.workload': `${client}#${opened}`,
  };
  const clients = Array.from(
    { length: spec.channels },
    () => new GreeterClient(spec.target, credentials.createInsecure(), { ...options }),
  );
  const watch = watchChannels(clients, onResolution);
  // One for all calls: grpc-js copies it when a call starts.
  const metadata = new Metadata({ waitForReady: spec.waitForReady });
  metadata.set(CLIENT_METADATA, client);
  const request = { name: spec.name };
  let attemptsAskedFor = 0;

  return {
    call(seq, deadlineMs, onEnd) {
      metadata.set(CALL_METADATA, String(seq));
      attemptsAskedFor += 1;
      let answered: Metadata | undefined;
      const greeter = clients[seq % clients.length] as GreeterClient;
      const call = greeter.sayHello(request, metadata, { deadline: Date.now() + deadlineMs }, (error) => {
        attemptsAskedFor += retriesOf(answered, error);
        onEnd(outcomeOf(call, answered, error));
      });
      call.once('metadata', (received) => {
        answered = received;
      });
    },
    transparentRetries: () => Math.max(0, watch.attempts() - attemptsAskedFor),
    close() {
      watch.stop();
      for (const greeter of clients) greeter.close();
    },
  };
}

function outcomeOf(
  call: ClientUnaryCall,
  answered: Metadata | undefined,
  error: ServiceError | null,
): Outcome {
  // A server that fails a call tells who it is in the trailers, which come with the error.
  const pod = first(answered, POD_METADATA) ?? first(error?.metadata, POD_METADATA);
  const previous =
    first(answered, PREVIOUS_ATTEMPTS_METADATA) ?? first(error?.metadata, PREVIOUS_ATTEMPTS_METADATA);
  const peer = peerOf(call);
  return {
    code: error ? (status[error.code] ?? String(error.code)) : 'OK',
    ...(error && { message: error.details }),
    ...(pod !== undefined && { pod }),
    ...(peer !== undefined && { peer }),
    ...(previous !== undefined && { previousAttempts: Number(previous) }),
  };
}

/** `getPeer` gives the target, or "unknown", where no attempt was picked. */
function peerOf(call: ClientUnaryCall): string | undefined {
  const peer = call.getPeer();
  return /^[[\d].*:\d+$/.test(peer) ? peer : undefined;
}

/** Attempts beyond the first that the retry policy made, by what grpc-js adds to a call's metadata or message. */
function retriesOf(answered: Metadata | undefined, error: ServiceError | null): number {
  const told =
    first(answered, GRPC_PREVIOUS_ATTEMPTS_METADATA) ??
    first(error?.metadata, GRPC_PREVIOUS_ATTEMPTS_METADATA) ??
    error?.details.match(/previous attempts: (\d+)/)?.[1];
  return Number(told ?? 0);
}

function first(metadata: Metadata | undefined, key: string): string | undefined {
  const value = metadata?.get(key)[0];
  return value === undefined ? undefined : String(value);
}
