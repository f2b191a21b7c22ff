// EndpointSlices → endpoints of gRPC. Pure.
// What the fields mean: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
import { isIP } from 'node:net';
import { type Endpoint, subchannelAddressToString } from '../../grpc-experimental.ts';
import type { Localities, Locality } from '../localities.ts';

type Optional<T> = T | null | undefined;

/** What is read of an EndpointSlice; Go writes empty lists as null. */
export type EndpointSlice = {
  metadata?: { name?: string; resourceVersion?: string };
  addressType?: string;
  endpoints?: Optional<SliceEndpoint[]>;
  ports?: Optional<SlicePort[]>;
};
export type SliceEndpoint = {
  addresses?: Optional<string[]>;
  conditions?: Optional<{
    ready?: Optional<boolean>;
    serving?: Optional<boolean>;
    terminating?: Optional<boolean>;
  }>;
  nodeName?: Optional<string>;
  zone?: Optional<string>;
  targetRef?: Optional<{ uid?: string }>;
};
export type SlicePort = { name?: Optional<string>; port?: Optional<number>; protocol?: Optional<string> };

/** How many pods there are, each in one of these. */
export type Counts = { ready: number; notReady: number; terminating: number };
type Condition = keyof Counts;

export type Found = {
  /** Sorted; empty when there is a problem. */
  endpoints: Endpoint[];
  localities: Localities;
  /** Addresses that are listed, but not ready, or terminating. */
  unready: ReadonlySet<string>;
  counts: Counts;
  /** Why there are no endpoints, to follow the Service's name. */
  problem?: string;
};

type Address = { host: string; port: number };
/** The addresses, one for each family, under which one pod is ready. */
type Pod = { condition: Condition; ready: Map<string, Address>; locality: Locality };

/**
 * The endpoints of a Service's slices that are ready, serving and not terminating: of all slices, each address once, and
 * the IPv4 and the IPv6 address of one pod as one endpoint. An endpoint that is in two slices, as happens while it moves
 * from one to another, is there when either says that it is ready.
 *
 * @param wanted a port's name; its number in the pods; or undefined for the only one.
 */
export function findEndpoints(slices: Iterable<EndpointSlice>, wanted: string | number | undefined): Found {
  const all = [...slices];
  const ofAddresses = all.filter(({ addressType }) => addressType !== 'FQDN');
  const pods = new Map<string, Pod>();
  const unready = new Set<string>();
  let withoutPort = 0;
  for (const slice of ofAddresses) {
    const port = choosePort(slice, wanted);
    for (const endpoint of slice.endpoints ?? []) {
      if (port === undefined) withoutPort += 1;
      else addEndpoint(pods, unready, endpoint, port);
    }
  }

  const counts = count(pods);
  const found = { ...assemble([...pods.values()]), unready };
  if (found.endpoints.length > 0) return { ...found, counts };
  if (all.length === 0)
    return { ...found, counts, problem: 'has no EndpointSlices: does the Service exist?' };
  if (ofAddresses.length === 0) return { ...found, counts, problem: 'has only names for endpoints (FQDN)' };
  if (pods.size > 0) return { ...found, counts, problem: noneReady(counts) };
  if (withoutPort > 0) return { ...found, counts, problem: portProblem(ofAddresses, wanted) };
  return { ...found, counts, problem: 'has no endpoints: does its selector match any pod?' };
}

/** A missing condition says nothing against the endpoint; a missing `serving` is as `ready`. */
function conditionOf({ conditions }: SliceEndpoint): Condition {
  const ready = conditions?.ready ?? true;
  if (conditions?.terminating ?? false) return 'terminating';
  return ready && (conditions?.serving ?? ready) ? 'ready' : 'notReady';
}

function addEndpoint(
  pods: Map<string, Pod>,
  unready: Set<string>,
  endpoint: SliceEndpoint,
  port: number,
): void {
  // "No semantics are defined for additional addresses beyond the first."
  const host = endpoint.addresses?.[0];
  if (!host || !isIP(host)) return;
  const condition = conditionOf(endpoint);
  // What is in two slices is the same pod, by its uid or by its address.
  const key = endpoint.targetRef?.uid ?? host;
  const pod = pods.get(key) ?? { condition, ready: new Map(), locality: {} };
  pods.set(key, pod);
  const address = { host, port };
  if (condition !== 'ready') unready.add(subchannelAddressToString(address));
  else {
    pod.ready.set(subchannelAddressToString(address), address);
    pod.locality = {
      ...(endpoint.nodeName && { node: endpoint.nodeName }),
      ...(endpoint.zone && { zone: endpoint.zone }),
    };
  }
  if (condition === 'ready' || pod.condition === 'notReady') pod.condition = condition;
}

function count(pods: Map<string, Pod>): Counts {
  const counts = { ready: 0, notReady: 0, terminating: 0 };
  for (const { condition } of pods.values()) counts[condition] += 1;
  return counts;
}

function assemble(pods: Pod[]): { endpoints: Endpoint[]; localities: Localities } {
  const localities = new Map<string, Locality>();
  const endpoints: Endpoint[] = [];
  for (const { ready, locality } of pods) {
    // An address that two pods have is one of a pod that is gone and of its successor.
    const addresses = [...ready].filter(([key]) => !localities.has(key)).sort(ipv4First);
    for (const [key] of addresses) localities.set(key, locality);
    if (addresses.length > 0) endpoints.push({ addresses: addresses.map(([, at]) => at) });
  }
  return { endpoints: endpoints.sort(byAddress), localities };
}

/** The order of endpoints in a list. */
export function byAddress({ addresses: [a] }: Endpoint, { addresses: [b] }: Endpoint): number {
  return compare(a ? subchannelAddressToString(a) : '', b ? subchannelAddressToString(b) : '');
}

/** IPv6 addresses are in brackets, which come after digits. */
const ipv4First = ([a]: [string, Address], [b]: [string, Address]): number => compare(a, b);

/** The same order everywhere, which that of a locale is not. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** gRPC is TCP, which is also what a port without protocol is. */
const tcpPorts = ({ ports }: EndpointSlice): SlicePort[] =>
  (ports ?? []).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP');

/** @returns undefined when the slice does not have it. */
function choosePort(slice: EndpointSlice, wanted: string | number | undefined): number | undefined {
  const ports = tcpPorts(slice);
  if (wanted === undefined) return ports.length === 1 ? (ports[0]?.port ?? undefined) : undefined;
  if (typeof wanted === 'string') return ports.find(({ name }) => name === wanted)?.port ?? undefined;
  // No ports at all is a headless Service that names none, and a port without number is all ports: any number goes.
  const open =
    (slice.ports ?? []).length === 0 || ports.some(({ port }) => (port ?? undefined) === undefined);
  return open || ports.some(({ port }) => port === wanted) ? wanted : undefined;
}

function portProblem(slices: EndpointSlice[], wanted: string | number | undefined): string {
  const texts = slices.flatMap(tcpPorts).map(({ name, port }) => {
    const number = port ?? 'any number';
    return name ? `${name} (${number})` : `${number}`;
  });
  const there = [...new Set(texts)].sort().join(', ') || 'none';
  if (wanted !== undefined) return `has no port ${wanted}: its ports are ${there}`;
  return `does not have exactly one port, so that the target must name one: its ports are ${there}`;
}

function noneReady({ notReady, terminating }: Counts): string {
  return `has no endpoint that is ready: ${notReady} not ready, ${terminating} terminating`;
}
