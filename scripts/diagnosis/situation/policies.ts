// What NetworkPolicies let through. Source: Kubernetes, "Network Policies": policies that select a pod add up; a pod
// that none selects for a direction is open in it; a connection must be allowed on both of its ends.
import { BlockList, isIP } from 'node:net';
import type { V1NetworkPolicy, V1NetworkPolicyPeer, V1NetworkPolicyPort } from '@kubernetes/client-node';
import type { Plain } from '../../common/plain.ts';
import type { ContainerView } from './containers.ts';
import { type Labels, selects } from './labels.ts';
import { portsNamed } from './pods.ts';

/** A pod, or what one would be: a workload's template. */
export type End = {
  namespace: string;
  labels: Labels;
  ips?: string[];
  /** Pods in their node's network are out of policies' reach. */
  hostNetwork?: boolean;
  containers: readonly ContainerView[];
};

export type Flow = { from: End; to: End; port: number; protocol: 'TCP' | 'UDP' };
export type Denial = { direction: 'Egress' | 'Ingress'; policies: string[] };

export type Policies = {
  /** Why a connection does not come about; undefined when policies allow it. */
  denies: (flow: Flow) => Denial | undefined;
};

export function policiesOf(
  policies: readonly Plain<V1NetworkPolicy>[],
  namespaceLabels: (namespace: string) => Labels,
): Policies {
  const isolating = (end: End, direction: Denial['direction']) =>
    end.hostNetwork
      ? []
      : policies.filter(
          ({ metadata, spec }) =>
            metadata?.namespace === end.namespace &&
            selects(spec?.podSelector ?? {}, end.labels) &&
            typesOf(spec).includes(direction),
        );
  const denied = (flow: Flow, direction: Denial['direction']): Denial | undefined => {
    const own = isolating(direction === 'Egress' ? flow.from : flow.to, direction);
    const other = direction === 'Egress' ? flow.to : flow.from;
    const allows = own.some(({ metadata, spec }) => {
      const rules =
        direction === 'Egress'
          ? (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
          : (spec?.ingress ?? []).map(({ _from, ports, ...rest }) => ({
              peers: _from ?? fromOf(rest),
              ports,
            }));
      const home = metadata?.namespace ?? '';
      return rules.some(
        ({ peers = [], ports = [] }) =>
          (peers.length === 0 || peers.some((peer) => isPeer(peer, other, home, namespaceLabels))) &&
          (ports.length === 0 || ports.some((port) => isPort(port, flow))),
      );
    });
    if (own.length === 0 || allows) return undefined;
    return { direction, policies: own.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`) };
  };
  return { denies: (flow) => denied(flow, 'Egress') ?? denied(flow, 'Ingress') };
}

/** The client library calls the field `_from`; JSON has `from`. */
const fromOf = (rule: object): Plain<V1NetworkPolicyPeer>[] | undefined =>
  'from' in rule ? (rule.from as Plain<V1NetworkPolicyPeer>[]) : undefined;

/** Ingress always, unless it says otherwise; egress where it has rules for it. */
const typesOf = (spec: Plain<V1NetworkPolicy>['spec']): string[] =>
  spec?.policyTypes ?? (spec?.egress ? ['Ingress', 'Egress'] : ['Ingress']);

function isPeer(
  { ipBlock, namespaceSelector, podSelector }: Plain<V1NetworkPolicyPeer>,
  end: End,
  home: string,
  namespaceLabels: (namespace: string) => Labels,
): boolean {
  if (ipBlock)
    return (end.ips ?? []).some(
      (ip) => isWithin(ip, ipBlock.cidr) && !(ipBlock.except ?? []).some((range) => isWithin(ip, range)),
    );
  const inNamespace = namespaceSelector
    ? selects(namespaceSelector, namespaceLabels(end.namespace))
    : end.namespace === home;
  return inNamespace && (podSelector === undefined || selects(podSelector, end.labels));
}

function isPort(
  { port, endPort, protocol = 'TCP' }: Plain<V1NetworkPolicyPort>,
  { to, port: dialled, protocol: spoken }: Flow,
): boolean {
  if (protocol !== spoken) return false;
  const wanted = port as string | number | undefined;
  if (wanted === undefined) return true;
  if (typeof wanted === 'string' && !/^\d+$/.test(wanted)) return portsNamed(to, wanted).includes(dialled);
  const first = Number(wanted);
  return endPort === undefined ? first === dialled : first <= dialled && dialled <= endPort;
}

function isWithin(ip: string, cidr: string): boolean {
  const [network = '', bits = ''] = cidr.split('/');
  const family = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
  if (isIP(ip) === 0 || isIP(network) === 0 || family(ip) !== family(network)) return false;
  const range = new BlockList();
  range.addSubnet(network, Number(bits), family(network));
  return range.check(ip, family(ip));
}
