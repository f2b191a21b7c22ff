// The names that are watched, what is done to the pods behind them, and what each name should then answer.
import { GRPC_PORT } from '../../../services/protocol/index.ts';
import type { Capability, FurtherService, Manifest } from '../../cluster/index.ts';
import { NAMESPACE } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import type { Parameters } from './parameters.ts';

export const ARM = 'pods';

/** The names whose answers are watched. The ClusterIP's is the control: it does not change. */
export const WATCHED = {
  headless: `greeter-headless-${ARM}`,
  published: `greeter-unready-${ARM}`,
  'cluster-ip': `greeter-${ARM}`,
} as const;
export type Role = keyof typeof WATCHED;
export const CONTROL: Role = 'cluster-ip';

/** As 80 → 8080 would be; not every provider can serve ports below 1024. */
const MAPPED_PORT = 9000;
const mapped = { ports: [{ name: 'grpc', port: MAPPED_PORT, targetPort: 'grpc' }] };

/** A Service with so many endpoints that its answer does not fit into one UDP packet, and nobody there. */
const LARGE = 'greeter-large';
const MANY = 100;
/** Source: RFC 5737: addresses for examples. */
function manyAddresses(): string[] {
  return Array.from({ length: MANY }, (_, index) => `192.0.2.${index + 1}`);
}

/** Beside those that every arm has. */
export const FURTHER_SERVICES: readonly FurtherService[] = [
  { name: 'greeter-unready', like: 'greeter-headless', fields: { publishNotReadyAddresses: true } },
  { name: 'greeter-mapped', like: 'greeter', fields: mapped },
  { name: 'greeter-headless-mapped', like: 'greeter-headless', fields: mapped },
  { name: LARGE, like: 'greeter-headless', fields: mapped, addresses: manyAddresses() },
];

/** What is done, in this order, and how many addresses the two headless names have after it. */
export type Action = { name: string; addresses: Record<'headless' | 'published', number> };

export const actionsOf = ({ from, to }: Parameters): Action[] => {
  const both = (addresses: number) => ({ headless: addresses, published: addresses });
  return [
    { name: 'scaled-out', addresses: both(to) },
    { name: 'one-not-ready', addresses: { headless: to - 1, published: to } },
    { name: 'ready-again', addresses: both(to) },
    { name: 'one-deleted', addresses: both(to) },
    { name: 'scaled-to-zero', addresses: both(0) },
    { name: 'scaled-back', addresses: both(from) },
  ];
};

/** A question that is asked once. */
export type Fact = {
  role: Role;
  /** While there are pods, or while there is none. */
  when: 'pods' | 'none';
  /** For people. */
  asks: string;
  /** What may come of it. */
  expected: readonly string[];
} & (
  | { kind: 'dns'; name: string; type: 'lookup' | 'A' | 'SRV' }
  | { kind: 'tcp'; host: string; port: number }
  | { kind: 'dry-run'; object: Manifest }
);

const full = (name: string): string => `${name}.${NAMESPACE}.svc.cluster.local`;

function connects(role: Role, when: Fact['when'], service: string, port: number, outcome: string): Fact {
  const host = `${service}-${ARM}`;
  return { role, when, kind: 'tcp', host, port, asks: `connect to ${role}:${port}`, expected: [outcome] };
}

function ports(role: Role, service: string, port: number): Fact {
  const name = `_grpc._tcp.${full(`${service}-${ARM}`)}`;
  return {
    role,
    when: 'pods',
    kind: 'dns',
    name,
    type: 'SRV',
    asks: `SRV of ${role}`,
    expected: [`port ${port}`],
  };
}

/** A Service of type NodePort, which nobody makes. */
function nodePort(role: Role, clusterIP: 'None' | undefined, outcome: 'accepted' | 'refused'): Fact {
  const name = `greeter-node-port-${role}`;
  const spec = {
    type: 'NodePort',
    ports: [{ name: 'grpc', port: GRPC_PORT }],
    ...(clusterIP && { clusterIP }),
  };
  const object = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NAMESPACE }, spec };
  return {
    role,
    when: 'pods',
    kind: 'dry-run',
    object,
    asks: `${role} of type NodePort`,
    expected: [outcome],
  };
}

/** Where Services can have ports of the nodes. */
const NODE_PORTS = [nodePort('cluster-ip', undefined, 'accepted'), nodePort('headless', 'None', 'refused')];

export const factsOf = (capabilities: ReadonlySet<Capability>): Fact[] => [
  ...FACTS,
  ...(capabilities.has('node-ports') ? NODE_PORTS : []),
];

/** What a Service without a virtual IP does otherwise than one with it. */
export const FACTS: readonly Fact[] = [
  connects('cluster-ip', 'pods', 'greeter-mapped', MAPPED_PORT, 'connected'),
  connects('headless', 'pods', 'greeter-headless-mapped', MAPPED_PORT, 'ECONNREFUSED'),
  connects('headless', 'pods', 'greeter-headless-mapped', GRPC_PORT, 'connected'),
  ports('cluster-ip', 'greeter-mapped', MAPPED_PORT),
  ports('headless', 'greeter-headless-mapped', GRPC_PORT),
  {
    role: 'headless',
    when: 'pods',
    kind: 'dns',
    name: full(`${LARGE}-${ARM}`),
    type: 'lookup',
    asks: `addresses of a headless Service with ${MANY} endpoints`,
    expected: [`${MANY} addresses`],
  },
  {
    role: 'headless',
    when: 'none',
    kind: 'dns',
    name: WATCHED.headless,
    type: 'lookup',
    asks: 'addresses of headless',
    expected: ['ENOTFOUND'],
  },
  {
    role: 'headless',
    when: 'none',
    kind: 'dns',
    name: full(WATCHED.headless),
    type: 'A',
    asks: 'A records of headless',
    expected: ['ENOTFOUND', 'ENODATA'],
  },
  {
    role: 'cluster-ip',
    when: 'none',
    kind: 'dns',
    name: WATCHED['cluster-ip'],
    type: 'lookup',
    asks: 'addresses of cluster-ip',
    expected: ['1 address'],
  },
  connects('cluster-ip', 'none', 'greeter', GRPC_PORT, 'ECONNREFUSED'),
];

/** The prediction for people, in lines of at most 80 columns. */
export function describeNames(parameters: Parameters): string {
  const { from, boundMs, readinessProbe } = parameters;
  const row = ({ name, addresses: { headless, published } }: Action) =>
    `${`${name}:`.padEnd(16)} headless ${headless}, published ${published}, cluster-ip 1`;
  const start: Action = { name: 'at-first', addresses: { headless: from, published: from } };
  const notes = [
    `headless: its answer is what is ready in its EndpointSlices, within ${formatDuration(boundMs)} of their change. Without any ` +
      'there is no such name (ENOTFOUND).',
    'published: publishNotReadyAddresses keeps the pod that is not Ready, and those that are leaving until they have ended.',
    'cluster-ip: the virtual IP, whatever becomes of the pods (the control). Without pods a connection to it is refused.',
    `Ports: ${MAPPED_PORT} → ${GRPC_PORT} of a ClusterIP is done for the client. DNS has no ports: the same of a headless Service ` +
      `is refused on ${MAPPED_PORT}, for nobody listens there; its SRV records tell ${GRPC_PORT}.`,
    `Large answers: ${MANY} addresses take more than the 512 bytes of a plain UDP answer; the resolver asks again over TCP, and ` +
      'has them all.',
    'NodePort, where the provider has any: the API takes it with a ClusterIP, and refuses it for a headless Service.',
    ...(readinessProbe === 'on'
      ? []
      : ['Without a readiness probe nobody finds out that a pod is not Ready: the claim fails.']),
  ];
  return [
    'Addresses of each name:',
    ...[start, ...actionsOf(parameters)].map(row),
    ...notes.map((note) => wrap(note, '  ', '')),
  ].join('\n');
}
