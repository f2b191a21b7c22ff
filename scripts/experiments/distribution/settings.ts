// The eight settings: an arm each, with what should come of it, said before the run.
import { GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import { wrap } from '../../common/terminal.ts';
import type { Parameters } from './parameters.ts';

/** The arm whose servers all others call. */
export const SERVERS = 'servers';

/**
 * What a channel's calls do: all to one pod, by the proxy's chance or as the resolver's answer begins; or in turn to
 * all.
 */
type Spread = 'by-chance' | 'as-resolved' | 'in-turn';

export type Setting = {
  /** The arm's name. */
  name: string;
  service: 'clusterip' | 'headless';
  channels: number;
  spread: Spread;
  dialled: { to: 'virtual-ip' | 'pods'; port: number };
  /** Connections that the client should have. */
  connections: number;
  client: Pick<WorkloadRequest, 'target' | 'policy' | 'channels' | 'subchannelPool'>;
};

const SERVICES = { clusterip: `greeter-${SERVERS}`, headless: `greeter-headless-${SERVERS}` } as const;
export const HEADLESS_NAME = SERVICES.headless;

/** It shows that the same pods can get even shares. */
export const CONTROL = 'headless-round-robin';

/** All of them: one channel first, then several. */
export const settingsOf = ({ servers, channels, subchannelPool }: Parameters): Setting[] =>
  [1, channels].flatMap((of) =>
    (['clusterip', 'headless'] as const).flatMap((service) =>
      (['pick_first', 'round_robin'] as const).map((policy): Setting => {
        const spread =
          service === 'clusterip' ? 'by-chance' : policy === 'pick_first' ? 'as-resolved' : 'in-turn';
        return {
          name: [service, policy.replace('_', '-'), ...(of === 1 ? [] : [`x${of}`])].join('-'),
          service,
          channels: of,
          spread,
          dialled: { to: service === 'clusterip' ? 'virtual-ip' : 'pods', port: GRPC_PORT },
          connections: spread === 'in-turn' ? of * servers : of,
          client: {
            target: `dns:///${SERVICES[service]}:${GRPC_PORT}`,
            policy,
            channels: of,
            subchannelPool,
          },
        };
      }),
    ),
  );

/** The prediction for people, in lines of at most 80 columns. */
export function describeSettings(parameters: Parameters, settings: readonly Setting[]): string {
  const { servers, subchannelPool, maxConnectionAgeMs } = parameters;
  const row = ({ name, spread, channels: of, connections }: Setting) => {
    const pods =
      spread === 'in-turn'
        ? `all ${servers} pods, evenly`
        : of === 1
          ? '1 pod'
          : spread === 'by-chance'
            ? 'by chance per connection'
            : "as resolver's answers begin";
    return `${`${name}:`.padEnd(28)}${`${connections} connection${connections === 1 ? ',' : 's,'}`.padEnd(18)}${pods}`;
  };
  const notes = [
    'ClusterIP: its name has one address, so that every policy has one connection, and kube-proxy (or what does its ' +
      'work) puts each connection on a pod by chance.',
    'headless and pick_first: the channel takes the first address (another when that takes longer than 250ms), and ' +
      'grpc-js does not shuffle. Where connections go is what the resolver makes of it: shuffled answers spread them, getaddrinfo puts addresses of ' +
      "the client's own subnet first. Its answers are asked for beforehand.",
    'headless and round_robin: a connection to every pod, and calls in turn.',
  ];
  const broken = [
    ...(subchannelPool === 'shared'
      ? ['With --subchannel-pool shared channels share the connections to an address: the claim fails.']
      : []),
    ...(maxConnectionAgeMs === undefined
      ? []
      : ['With --max-connection-age connections are renewed, each maybe on another pod: the claim fails.']),
  ];
  return [
    'Connections of each client, and pods that answer it:',
    ...settings.map(row),
    ...[...notes, ...broken].map((note) => wrap(note, '  ', '')),
  ].join('\n');
}
