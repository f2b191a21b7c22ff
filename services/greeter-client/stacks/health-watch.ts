// Streams that stay open: Watch of the server's health service.
import type { ClientReadableStream, StatusObject } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import type { Greeter } from './channels.ts';
import { outcomeOf } from './outcome.ts';
import type { Stack } from './stack.ts';

/** A call is one stream: it ends when somebody ends it, and has no deadline. */
export function openHealthWatch(greeters: readonly Greeter[]): Omit<Stack, 'close'> {
  const { path, requestSerialize, responseDeserialize } = service.Watch as Method;
  const streams = new Set<ClientReadableStream<unknown>>();
  return {
    call(seq, _deadlineMs, onEnd) {
      const greeter = greeters[seq % greeters.length] as Greeter;
      const stream = greeter.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
        service: '',
      });
      streams.add(stream);
      stream.on('data', () => {});
      // Its status tells all.
      stream.on('error', () => {});
      stream.once('status', (end: StatusObject) => {
        streams.delete(stream);
        onEnd(outcomeOf(stream.getPeer(), undefined, end));
      });
    },
    endStreams() {
      for (const stream of streams) stream.cancel();
    },
    transparentRetries: () => 0,
  };
}

type Method = {
  path: string;
  requestSerialize: (value: unknown) => Buffer;
  responseDeserialize: (bytes: Buffer) => unknown;
};
