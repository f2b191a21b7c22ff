// The ways to keep calls on the own node: an arm each, with what it should do, said before the run.
import { GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import { FOUND_MS } from '../../checks/index.ts';
import { NAMESPACE, type ServiceFields } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import type { Parameters } from './parameters.ts';

export type Way = {
  /** The arm's name. */
  name: 'prefer-same-node' | 'traffic-distribution' | 'internal-traffic-policy' | 'dns-one-tier';
  client: Pick<WorkloadRequest, 'target' | 'stack' | 'policy'>;
  service?: ServiceFields;
  /** What is expected, for people. */
  expects: string;
};

export const CONTROL = 'dns-one-tier';

/** In a client's log, where nearness cannot be had. */
export const SAYS_WHY = 'is plain round robin for';

/** All of them, the control last. */
export const waysOf = ({ servers, latencyMs }: Parameters): Way[] => [
  {
    name: 'prefer-same-node',
    client: {
      stack: 'kit',
      policy: 'prefer_same_node',
      target: `kubernetes:///greeter-headless-prefer-same-node.${NAMESPACE}:grpc`,
    },
    expects:
      'all calls of a client stay on its node while a server is there. When that goes, what is in flight (calls take ' +
      `${formatDuration(latencyMs)}) is tried elsewhere, what follows goes elsewhere within 50ms, and none fails. When ` +
      `a server is there again, all calls come back within ${formatDuration(FOUND_MS)} of its Ready. A client that ` +
      'never had one cannot know its own zone, and deals its calls to all evenly.',
  },
  {
    name: 'traffic-distribution',
    client: { target: `dns:///greeter-traffic-distribution:${GRPC_PORT}` },
    service: { trafficDistribution: 'PreferSameNode' },
    expects:
      'trafficDistribution: PreferSameNode of a ClusterIP is a matter of connecting. A connection goes to the own node ' +
      'if a server is there at that moment, and stays where it is: after the pod is gone a client calls another one, ' +
      'and goes on to do so when there is one on its node again. Or it hangs, for up to two minutes, where it connects ' +
      'to the pod just as that goes: the experiment outage shows it.',
  },
  {
    name: 'internal-traffic-policy',
    client: { target: `dns:///greeter-internal-traffic-policy:${GRPC_PORT}` },
    service: { internalTrafficPolicy: 'Local' },
    expects:
      'internalTrafficPolicy: Local of a ClusterIP is the own node or nothing. A client without a server there fails ' +
      'all its calls; that of the pod that goes fails until one is there again.',
  },
  {
    name: CONTROL,
    client: {
      stack: 'kit',
      policy: 'prefer_same_node',
      target: `dns:///greeter-headless-${CONTROL}:${GRPC_PORT}`,
    },
    expects:
      `DNS knows no nodes: calls are dealt to all servers evenly, ${(100 / servers).toFixed(0)}% to each, and the client ` +
      'says so once in its log.',
  },
];

/** The prediction for people, in lines of at most 80 columns. */
export const describeWays = (ways: readonly Way[]): string =>
  [
    "In each arm a server on a client's node ends without draining.",
    ...ways.map(({ name, expects }) => wrap(`${name}: ${expects}`, '  ', '')),
  ].join('\n');
