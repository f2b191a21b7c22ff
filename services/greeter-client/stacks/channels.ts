// Channels of bare grpc-js as a workload's spec has them, and what all calls on them carry.
import { credentials, Metadata, makeGenericClientConstructor } from '@grpc/grpc-js';
import { GreeterClient } from '../../gen/greet.ts';
import { CALL_METADATA, CLIENT_METADATA, type WorkloadSpec } from '../../protocol/index.ts';
import { serviceConfig } from './service-config.ts';

export type Greeter = InstanceType<typeof GreeterClient>;

const ownOptions = ['grpc.service_config', 'grpc.use_local_subchannel_pool'];
let opened = 0;

/** @throws when grpc-js does not take the target or an option. */
export function channelMaker(spec: WorkloadSpec, client: string) {
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
  // One for all calls: grpc-js copies it when a call starts.
  const metadata = new Metadata({ waitForReady: spec.waitForReady });
  metadata.set(CLIENT_METADATA, client);

  const Client = makeGenericClientConstructor(
    { sayHello: { ...GreeterClient.service.sayHello, path: spec.methodPath } },
    spec.methodPath,
  ) as unknown as typeof GreeterClient;

  return {
    request: { name: spec.name.padEnd(spec.nameBytes, '.') },
    metadataOf(seq: number): Metadata {
      metadata.set(CALL_METADATA, String(seq));
      return metadata;
    },
    /** Credentials of TLS are made each time, as careless code does: grpc-js shares no connection between them. */
    open: (): Greeter => new Client(spec.target, credentialsOf(spec), { ...options }),
  };
}

export type ChannelMaker = ReturnType<typeof channelMaker>;

const credentialsOf = ({ tls }: WorkloadSpec) =>
  tls === undefined
    ? credentials.createInsecure()
    : credentials.createSsl(tls.ca === undefined ? null : Buffer.from(tls.ca));
