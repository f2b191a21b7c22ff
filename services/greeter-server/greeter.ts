import { type handleUnaryCall, Metadata, status } from '@grpc/grpc-js';
import type { Identity } from '../common/identity.ts';
import type { HelloReply, HelloRequest } from '../gen/greet.ts';
import {
  CLIENT_METADATA,
  GRPC_PREVIOUS_ATTEMPTS_METADATA,
  NODE_METADATA,
  POD_METADATA,
  PREVIOUS_ATTEMPTS_METADATA,
} from '../protocol/index.ts';
import type { CallBehaviour } from './behaviour.ts';
import { createGate } from './capacity.ts';
import type { Counters } from './counters.ts';

/**
 * The handler of SayHello. Who answered is told in the initial metadata of an OK answer, and that is sent with the
 * answer and not before: a client commits to an attempt when it gets metadata, and would not retry it. For the same
 * reason a failure tells it in its trailers.
 */
export function sayHello(
  identity: Identity,
  behaviour: CallBehaviour,
  counters: Counters,
): handleUnaryCall<HelloRequest, HelloReply> {
  const admits = createGate();
  return (call, callback) => {
    const client = String(call.metadata.get(CLIENT_METADATA)[0] ?? '');
    const previousAttempts = attemptNumber(call.metadata.get(GRPC_PREVIOUS_ATTEMPTS_METADATA)[0]);
    const counts = counters.started(client, previousAttempts, call.getPeer());

    function whoAnswers(): Metadata {
      const metadata = new Metadata();
      metadata.set(POD_METADATA, identity.pod);
      metadata.set(NODE_METADATA, identity.node);
      metadata.set(PREVIOUS_ATTEMPTS_METADATA, String(previousAttempts));
      return metadata;
    }
    function fail(code: status, details: string): void {
      callback({ code, details, metadata: whoAnswers() });
      counters.ended(counts, false);
    }
    function answer(): void {
      if (Math.random() < behaviour.failureShare) {
        fail(status[behaviour.failureCode as keyof typeof status], 'told to fail');
        return;
      }
      call.sendMetadata(whoAnswers());
      callback(null, { message: `Hello ${call.request.name}` });
      counters.ended(counts, true);
    }

    if (!admits(behaviour.capacity)) {
      fail(status.UNAVAILABLE, 'no capacity left');
      return;
    }
    if (behaviour.latencyMs === 0) {
      answer();
      return;
    }
    const timer = setTimeout(answer, behaviour.latencyMs);
    call.once('cancelled', () => {
      clearTimeout(timer);
      counters.ended(counts, false);
    });
  };
}

function attemptNumber(value: string | Buffer | undefined): number {
  const number = Number(value ?? 0);
  return Number.isInteger(number) && number > 0 ? number : 0;
}
