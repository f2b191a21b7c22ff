import { status } from '@grpc/grpc-js';
import type { WorkloadSpec } from '../../protocol/index.ts';
import { channelMaker, type Greeter } from './channels.ts';
import { watchChannels } from './channelz.ts';
import { openHealthWatch } from './health-watch.ts';
import { outcomeOf, retriesOf } from './outcome.ts';
import { openPerCall } from './per-call.ts';
import type { Stack, Tell } from './stack.ts';

const OK = { code: status.OK, details: '' };

/** Bare grpc-js. @throws when grpc-js does not take the target, the retry policy or an option. */
export function openGrpcJs(spec: WorkloadSpec, client: string, tell: Tell): Stack {
  const maker = channelMaker(spec, client);
  if (spec.channelPer === 'call') return openPerCall(spec, maker);
  const greeters = Array.from({ length: spec.channels }, maker.open);
  const watch = watchChannels(
    greeters.map((greeter) => greeter.getChannel()),
    tell,
  );
  const close = () => {
    watch.stop();
    for (const greeter of greeters) greeter.close();
  };
  if (spec.method === 'health-watch') return { ...openHealthWatch(greeters), close };
  let attemptsAskedFor = 0;

  return {
    call(seq, deadlineMs, onEnd) {
      attemptsAskedFor += 1;
      const greeter = greeters[seq % greeters.length] as Greeter;
      const options = { deadline: Date.now() + deadlineMs };
      const call = greeter.sayHello(maker.request, maker.metadataOf(seq), options, (error) => {
        const end = error ?? OK;
        attemptsAskedFor += retriesOf(answered, end);
        onEnd(outcomeOf(call.getPeer(), answered, end));
      });
      let answered: Parameters<typeof retriesOf>[0];
      call.once('metadata', (received) => {
        answered = received;
      });
    },
    transparentRetries: () => Math.max(0, watch.attempts() - attemptsAskedFor),
    close,
  };
}
