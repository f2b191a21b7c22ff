// Where incidents happen: a greeter of its own in a namespace of its own, made from the lab's manifests.
import type { V1Deployment, V1Probe, V1Service } from '@kubernetes/client-node';
import { z } from 'zod';
import type { Manifest } from '../cluster/index.ts';

/** Label of all that belongs to a world, by the namespace of its servers. */
export const WORLD_LABEL = 'grpc-kind-lab.dev/world';

/** Names, ports and sizes: what differs from one company to the next. */
export const World = z.object({
  namespace: z.string(),
  /** Where the clients are. */
  clientNamespace: z.string(),
  server: z.string(),
  /** ClusterIP. */
  service: z.string(),
  headless: z.string(),
  client: z.string(),
  /** On which the servers listen. */
  grpcPort: z.int(),
  /** On which the Services do. */
  servicePort: z.int(),
  replicas: z.int(),
});
export type World = z.infer<typeof World>;

export const DEFAULT_WORLD: World = {
  namespace: 'grpc-kind-lab-incident',
  clientNamespace: 'grpc-kind-lab-incident',
  server: 'greeter-server',
  service: 'greeter',
  headless: 'greeter-headless',
  client: 'greeter-client',
  grpcPort: 50051,
  servicePort: 50051,
  replicas: 3,
};

/** A Deployment of the same clients that nobody changes: its channels are as old as the world. */
export const earlierClient = (world: World): string => `${world.client}-earlier`;

/** What stands between the clients and the servers, where something does: a Deployment and its Service. */
export const gatewayOf = (world: World): string => `${world.service}-gateway`;

type Specified<T extends { spec?: unknown }> = T & { spec: NonNullable<T['spec']> };

/** A world's objects, for an incident to change as a person would in an editor. */
export type Draft = {
  server: Specified<V1Deployment>;
  client: Specified<V1Deployment>;
  /** The clients that are connected already: for the arrangement before an incident, never for the incident itself. */
  earlier: Specified<V1Deployment>;
  service: Specified<V1Service>;
  headless: Specified<V1Service>;
  /** Whatever else there is. */
  others: Manifest[];
};

/**
 * The objects of a healthy world.
 *
 * @param manifests of the lab, with the tags of its images.
 */
export function draftOf(manifests: readonly Manifest[], world: World): Draft {
  const copy = <T>(kind: string, name: string): T => {
    const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
    if (!found) throw new Error(`the manifests have no ${kind} ${name}`);
    return structuredClone(found) as T;
  };
  const server = copy<Draft['server']>('Deployment', 'greeter-server');
  const client = copy<Draft['client']>('Deployment', 'greeter-client');
  const earlier = structuredClone(client);
  const service = copy<Draft['service']>('Service', 'greeter');
  const headless = copy<Draft['headless']>('Service', 'greeter-headless');

  place(server, world.server, world.namespace, world);
  place(client, world.client, world.clientNamespace, world);
  place(earlier, earlierClient(world), world.clientNamespace, world);
  for (const [object, name] of [
    [service, world.service],
    [headless, world.headless],
  ] as const) {
    object.metadata = metadataOf(name, world.namespace, world.server, world);
    object.spec.selector = selectorOf(world.server);
    object.spec.ports = [{ name: 'grpc', port: world.servicePort, targetPort: 'grpc' }];
  }
  asServer(server, world);
  for (const deployment of [client, earlier]) asClient(deployment, world);

  const namespaces = [...new Set([world.namespace, world.clientNamespace])].map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { [WORLD_LABEL]: world.namespace } },
  }));
  return { server, client, earlier, service, headless, others: namespaces };
}

export const manifestsOf = ({ others, ...objects }: Draft): Manifest[] => [
  ...others,
  ...(Object.values(objects) as Manifest[]),
];

export const isClient = ({ kind, metadata }: Manifest, world: World): boolean =>
  kind === 'Deployment' && [world.client, earlierClient(world)].includes(metadata.name);

const selectorOf = (app: string) => ({ 'app.kubernetes.io/name': app });

const metadataOf = (name: string, namespace: string, app: string, world: World) => ({
  name,
  namespace,
  labels: { ...selectorOf(app), [WORLD_LABEL]: world.namespace },
});

function place(deployment: Draft['server'], name: string, namespace: string, world: World): void {
  deployment.metadata = metadataOf(name, namespace, name, world);
  deployment.spec.selector = { matchLabels: selectorOf(name) };
  // What is wrong with the new ones is not hidden by old ones that go on serving.
  deployment.spec.strategy = { type: 'Recreate' };
  const { template } = deployment.spec;
  template.metadata = { labels: selectorOf(name) };
  for (const constraint of template.spec?.topologySpreadConstraints ?? []) {
    constraint.labelSelector = { matchLabels: selectorOf(name) };
    delete constraint.matchLabelKeys;
  }
}

function asServer(server: Draft['server'], world: World): void {
  server.spec.replicas = world.replicas;
  const container = containerOf(server);
  container.ports = [
    { name: 'grpc', containerPort: world.grpcPort },
    { name: 'control', containerPort: 8080 },
  ];
  container.startupProbe = {
    httpGet: { path: '/healthz', port: 'control' },
    periodSeconds: 1,
    timeoutSeconds: 5,
    failureThreshold: 60,
  };
  askReadiness(server, { grpc: { port: world.grpcPort } });
  setEnv(server, {
    GRPC_PORT: world.grpcPort === 50051 ? undefined : String(world.grpcPort),
    // As gRPC has it where nobody sets it.
    GRPC_MAX_CONNECTION_AGE_MS: undefined,
    DRAIN_DELAY_MS: '500',
  });
  if (server.spec.template.spec) server.spec.template.spec.terminationGracePeriodSeconds = 5;
}

function asClient(client: Draft['client'], world: World): void {
  client.spec.replicas = 1;
  const podSpec = client.spec.template.spec;
  if (podSpec) {
    delete podSpec.serviceAccountName;
    podSpec.automountServiceAccountToken = false;
    podSpec.terminationGracePeriodSeconds = 2;
  }
  containerOf(client).resources = { requests: { cpu: '50m', memory: '64Mi' } };
  setEnv(client, { GREETER_TARGET: targetOf(world, world.headless) });
}

/** By a name that is good from any namespace where the clients are elsewhere, else by the short one. */
export function targetOf(
  world: World,
  service: string,
  port: number | undefined = world.servicePort,
): string {
  const host = world.namespace === world.clientNamespace ? service : `${service}.${world.namespace}`;
  return `dns:///${host}${port === undefined ? '' : `:${port}`}`;
}

export function containerOf(deployment: Draft['server']) {
  const [container] = deployment.spec.template.spec?.containers ?? [];
  if (!container) throw new Error(`${deployment.metadata?.name} has no container`);
  return container;
}

/** A value replaces the one that is there; `undefined` takes it out. */
export function setEnv(deployment: Draft['server'], env: Record<string, string | undefined>): void {
  const container = containerOf(deployment);
  const kept = (container.env ?? []).filter(({ name }) => !(name in env));
  const added = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  );
  container.env = [...kept, ...added];
}

/** What readiness is asked, and how: often enough to be seen to fail, and slow is not unready. */
export function askReadiness(server: Draft['server'], probe: Pick<V1Probe, 'grpc' | 'httpGet'>): void {
  containerOf(server).readinessProbe = { ...probe, periodSeconds: 2, timeoutSeconds: 5 };
}

/** Readiness by the control port: Ready says that the process runs, and nothing of gRPC. */
export const readyByControlPort = (server: Draft['server']): void =>
  askReadiness(server, { httpGet: { path: '/healthz', port: 'control' } });
