import type { Metadata } from '@grpc/grpc-js';
import { nowMs, roundMs } from '../../common/clock.ts';
import { log } from '../../common/log.ts';
import { GreeterService } from '../../gen/greet.ts';
import { createClient } from '../../grpc-kit/src/index.ts';
import { CALL_METADATA, CLIENT_METADATA, type WorkloadSpec } from '../../protocol/index.ts';
import { watchChannels } from './channelz.ts';
import { outcomeOf, retriesOf } from './outcome.ts';
import type { Stack, Tell } from './stack.ts';

/** grpc-kit's client. @throws when it does not take the target or an option. */
export function openKit(spec: WorkloadSpec, client: string, tell: Tell): Stack {
  if (spec.channels > 1 && spec.subchannelPool !== 'own') {
    throw new Error('channels: the stack kit shares one channel; several are for subchannelPool own');
  }
  if (spec.channelPer === 'call') throw new Error('channelPer: the stack kit shares channels');
  if (spec.methodPath !== GreeterService.sayHello.path)
    throw new Error('methodPath: is of the stack grpc-js');
  if (spec.method !== 'say-hello') throw new Error(`method: ${spec.method} is of the stack grpc-js`);
  const { retry, hedging, tls } = spec;
  const greeter = createClient(GreeterService, spec.target, {
    policy: spec.policy,
    connectionsPerAddress: spec.channels,
    waitForReady: spec.waitForReady,
    metadata: { [CLIENT_METADATA]: client },
    channelOptions: spec.channelOptions,
    ...(tls && { tls: tls.ca === undefined || { ca: tls.ca } }),
    ...(retry && { retry: { ...retry, codes: retry.retryableStatusCodes } }),
    ...(hedging && {
      hedging: {
        maxAttempts: hedging.maxAttempts,
        delayMs: hedging.hedgingDelayMs,
        nonFatalCodes: hedging.nonFatalStatusCodes,
      },
    }),
    ...(spec.throttling && { throttling: spec.throttling }),
    // An object of its own gives each workload a channel of its own: it starts without the connections of an earlier one.
    logger: {
      info: (message) => log('grpc-kit', { message }),
      warn: (message) => log('grpc-kit', { warning: message }),
    },
    onAddresses: ({ endpoints, error }) => {
      tell.resolution({
        channel: 0,
        atMs: roundMs(nowMs()),
        ok: error === undefined,
        detail: error ?? `${endpoints} endpoints`,
      });
    },
  });
  const watch = watchChannels(greeter.channels, { ...tell, resolution: () => {} });
  const request = { name: spec.name.padEnd(spec.nameBytes, '.') };
  let attemptsAskedFor = 0;

  return {
    call(seq, deadlineMs, onEnd) {
      attemptsAskedFor += 1;
      let headers: Metadata | undefined;
      const answer = greeter.sayHello(request, {
        deadlineMs,
        metadata: { [CALL_METADATA]: String(seq) },
        onHeaders: (received) => {
          headers = received;
        },
        onEnd: (end) => {
          attemptsAskedFor += retriesOf(headers, end);
          onEnd(outcomeOf(end.peer, headers, end));
        },
      });
      // Told by onEnd.
      answer.catch(() => {});
    },
    transparentRetries: () => Math.max(0, watch.attempts() - attemptsAskedFor),
    close() {
      watch.stop();
      void greeter.close();
    },
  };
}
