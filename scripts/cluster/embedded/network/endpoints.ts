// Which endpoints a connection to a Service may go to: kube-proxy's rules.
import type { EndpointSlice, Service } from '../objects.ts';
import type { Store } from '../store.ts';

export type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];
export type Endpoint = { address: string; port: number };
/** Where a client runs; empty when it is no pod of the cluster. */
export type ClientPlace = { node?: string | undefined; zone?: string | undefined };

type SliceEndpoint = NonNullable<EndpointSlice['endpoints']>[number];
type Candidate = Endpoint & { endpoint: SliceEndpoint };

export const SERVICE_NAME = 'kubernetes.io/service-name';

/** The EndpointSlices of a Service. */
export const slicesOf = (store: Store, { metadata }: Service): EndpointSlice[] =>
  store
    .list('endpointslices', metadata.namespace)
    .filter((slice) => slice.metadata.labels?.[SERVICE_NAME] === metadata.name);

// What is not said counts as ready.
const isReady = ({ endpoint }: Candidate) => endpoint.conditions?.ready !== false;
const isLeaving = ({ endpoint: { conditions } }: Candidate) =>
  conditions?.terminating === true && (conditions.serving ?? conditions.ready ?? true);

/** The ready ones; if there are none, those that still serve while they terminate. */
function readyOrLeaving(candidates: readonly Candidate[]): Candidate[] {
  const ready = candidates.filter(isReady);
  return ready.length > 0 ? ready : candidates.filter(isLeaving);
}

function candidatesOf(port: ServicePort, slices: readonly EndpointSlice[]): Candidate[] {
  return slices.flatMap((slice) => {
    const target = slice.ports?.find(({ name }) => (name ?? '') === (port.name ?? ''))?.port;
    if (target === undefined) return [];
    return (slice.endpoints ?? []).flatMap((endpoint) =>
      endpoint.addresses.map((address) => ({ address, port: target, endpoint })),
    );
  });
}

/** Whether any client, wherever it is, would be served; a Service port without is refused. */
export const hasEndpoints = (port: ServicePort, slices: readonly EndpointSlice[]): boolean =>
  readyOrLeaving(candidatesOf(port, slices)).length > 0;

/**
 * Where a connection from `client` to this port of the Service may go. None although there are some elsewhere: with
 * `internalTrafficPolicy: Local`, when no endpoint is on the client's node.
 */
export function usableEndpoints(
  { spec }: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  client: ClientPlace = {},
): Endpoint[] {
  const candidates = candidatesOf(port, slices);
  const found =
    spec?.internalTrafficPolicy === 'Local'
      ? readyOrLeaving(candidates.filter(({ endpoint }) => client.node && endpoint.nodeName === client.node))
      : nearest(readyOrLeaving(candidates), spec?.trafficDistribution, client);
  return found.map(({ address, port: target }) => ({ address, port: target }));
}

/** The same node, then the same zone, as far as they are asked for; all of them when none is near. */
function nearest(found: Candidate[], distribution: string | undefined, client: ClientPlace): Candidate[] {
  // Nearness is a matter of ready endpoints only, and of all of them: one that is nowhere makes it void.
  const near = (mine: string | undefined, place: (endpoint: SliceEndpoint) => string | undefined) =>
    mine && found.every((each) => isReady(each) && place(each.endpoint))
      ? found.filter(({ endpoint }) => place(endpoint) === mine)
      : [];
  const onNode = distribution === 'PreferSameNode' ? near(client.node, ({ nodeName }) => nodeName) : [];
  if (onNode.length > 0) return onNode;
  const inZone = distribution ? near(client.zone, ({ zone }) => zone) : [];
  return inZone.length > 0 ? inZone : found;
}
