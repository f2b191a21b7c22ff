import { credentials, Metadata, status } from '@grpc/grpc-js';
import { GreeterClient } from '../../gen/greet.ts';
import { CALL_METADATA, CLIENT_METADATA, type WorkloadSpec } from '../../protocol/index.ts';
import { watchChannels } from './channelz.ts';
import { outcomeOf, retriesOf } from './outcome.ts';
import { serviceConfig } from './service-config.ts';
import type { Resolution, Stack } from './stack.ts';

const OK = { code: status.OK, details: '' };
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
  // Known to grpc-js too, once a workload of the stack kit has run in the same process.
  const [scheme] = /^(kubernetes|dns-poll):/.exec(spec.target) ?? [];
  if (scheme !== undefined) throw new Error(`target: ${scheme} is of the stack kit`);
  if (spec.policy === 'prefer_same_node')
    throw new Error('policy: prefer_same_node is a policy of the stack kit');
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
  const watch = watchChannels(
    clients.map((greeter) => greeter.getChannel()),
    onResolution,
  );
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
        const end = error ?? OK;
        attemptsAskedFor += retriesOf(answered, end);
        onEnd(outcomeOf(call.getPeer(), answered, end));
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
