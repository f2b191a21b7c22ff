import { type Metadata, status } from '@grpc/grpc-js';
import type { WorkloadSpec } from '../../protocol/index.ts';
import type { ChannelMaker, Greeter } from './channels.ts';
import { outcomeOf } from './outcome.ts';
import type { Stack } from './stack.ts';

const OK = { code: status.OK, details: '' };

/** Each call has a channel of its own, which is closed with it, or is left open until the workload ends: a leak. */
export function openPerCall({ closeChannels }: WorkloadSpec, maker: ChannelMaker): Stack {
  const open = new Set<Greeter>();
  return {
    call(seq, deadlineMs, onEnd) {
      const greeter = maker.open();
      open.add(greeter);
      let answered: Metadata | undefined;
      const call = greeter.sayHello(
        maker.request,
        maker.metadataOf(seq),
        { deadline: Date.now() + deadlineMs },
        (error) => {
          const outcome = outcomeOf(call.getPeer(), answered, error ?? OK);
          if (closeChannels) {
            greeter.close();
            open.delete(greeter);
          }
          onEnd(outcome);
        },
      );
      call.once('metadata', (received) => {
        answered = received;
      });
    },
    // Each channel would have to be watched for as long as it lives.
    transparentRetries: () => 0,
    close() {
      for (const greeter of open) greeter.close();
    },
  };
}
