import type { Certainty, Evidence, Rule, Suspicion } from '../rule.ts';
import {
  connected,
  type End,
  isSilent,
  type PodView,
  type Route,
  readsSlices,
  type ServiceView,
  type Situation,
  servedPorts,
  serversOf,
  targetPortsOn,
} from '../situation/index.ts';
import { labelsText, listOf } from '../words.ts';
import { tcpEvidence } from './probe-evidence.ts';
import { failureEvidence, firstOf, kubectl, probesTo, unreached } from './say.ts';

type Denial = NonNullable<ReturnType<Situation['policies']['denies']>>;
const DNS_PORT = 53;

/** A NetworkPolicy lets the client's calls, or its questions to DNS, not through. */
export const networkPolicy: Rule = {
  cause: 'network-policy',
  judge: (situation) =>
    firstOf(situation.routes, (route) => judgeWay(situation, route)) ?? judgeDns(situation),
};

function judgeWay(situation: Situation, route: Route): Suspicion | undefined {
  const { service } = route;
  if (!service) return undefined;
  for (const from of clientEnds(situation)) {
    for (const to of serverEnds(service)) {
      for (const port of portsAt(route, service, to)) {
        const denial = situation.policies.denies({ from, to, port, protocol: 'TCP' });
        if (!denial) continue;
        const said = suspect(situation, service, denial, from, to, port);
        if (said) return said;
      }
    }
  }
  return undefined;
}

function suspect(
  situation: Situation,
  service: ServiceView,
  denial: Denial,
  from: End,
  to: End,
  port: number,
): Suspicion | undefined {
  const probes = probesTo(situation, service);
  const open = probes.find(
    (probe) =>
      connected(probe) &&
      (!to.ips ||
        to.ips.length === 0 ||
        to.ips.includes(probe.address) ||
        service.clusterIPs.includes(probe.address)),
  );
  // Not every network plugin keeps to policies: what gets through is not denied.
  if (open) return undefined;
  const silent = probes.filter(isSilent);
  const failures = unreached(situation);
  const isKept = situation.calls.answering && probes.length === 0;
  const certainty: Certainty =
    silent.length > 0
      ? 'certain'
      : isKept
        ? 'possible'
        : failures.length > 0 || probes.length > 0
          ? 'likely'
          : 'likely';
  const evidence: Evidence[] = [
    {
      fact: `NetworkPolicy ${listOf(denial.policies)}`,
      value: denial.direction,
      says:
        denial.direction === 'Ingress'
          ? `selects the pods of the Service ${service.name}, and no rule lets ${labelsText(lasting(from.labels))} of ${from.namespace} to port ${port}`
          : `selects the client's pods, and no rule lets them to port ${port} of ${labelsText(lasting(to.labels))} in ${to.namespace}`,
    },
    ...silent.slice(0, 2).map((probe) => tcpEvidence(probe, 'nothing comes back: packets are dropped')),
    ...failureEvidence(failures, 'calls do not get through'),
  ];
  return {
    cause: 'network-policy',
    certainty,
    summary: `the NetworkPolicy ${denial.policies[0]} drops what the client sends to ${service.ref} (${denial.direction.toLowerCase()}, port ${port})`,
    evidence,
    ...(isKept && {
      against: [
        {
          fact: 'calls of the client',
          value: 'OK',
          says: 'they go through: by connections that are older, or nobody enforces policies',
        },
      ],
    }),
    fix: fixOf(situation, denial, from, to, port),
  };
}

/** Without names there is no way at all. */
function judgeDns(situation: Situation): Suspicion | undefined {
  const { dns, facts, routes } = situation;
  const { service } = dns;
  const asked = facts.probes.flatMap(({ answer }) => answer.resolvConf?.nameservers ?? []);
  if (!service || routes.every(({ target }) => !target || /^[\d.]+$|:/.test(target.host))) return undefined;
  // What it asks may be a cache on its own node, which policies do not reach.
  if (asked.length > 0 && !asked.some((address) => service.clusterIPs.includes(address))) return undefined;
  const works = facts.probes.some(({ answer }) => answer.control.error === undefined);
  if (works) return undefined;
  const to: End = service.pods[0] ?? {
    namespace: service.namespace,
    labels: service.selector ?? {},
    containers: [],
  };
  const port =
    targetPortsOn(service.ports.find((each) => each.port === DNS_PORT) ?? NO_PORT, to)[0] ?? DNS_PORT;
  return firstOf(clientEnds(situation), (from) => {
    const denial = situation.policies.denies({ from, to, port, protocol: 'UDP' });
    if (!denial) return undefined;
    const failed = facts.probes.find(({ answer }) => answer.control.error !== undefined);
    return {
      cause: 'network-policy',
      certainty: failed ? 'certain' : situation.calls.answering ? 'possible' : 'likely',
      summary: `the NetworkPolicy ${denial.policies[0]} lets the client's pods not even ask DNS (${denial.direction.toLowerCase()}, port ${port} UDP)`,
      evidence: [
        {
          fact: `NetworkPolicy ${listOf(denial.policies)}`,
          value: denial.direction,
          says: `no rule lets the client's pods to ${service.ref}`,
        },
        ...(failed
          ? [
              {
                fact: `probe lookup ${failed.answer.control.name}`,
                value: failed.answer.control.error ?? '',
                says: 'a name that every cluster has is not answered',
              },
            ]
          : []),
        ...failureEvidence(unreached(situation), 'calls do not get through'),
      ],
      fix: fixOf(situation, denial, from, to, port, 'UDP'),
    };
  });
}

const NO_PORT = { name: undefined, port: 0, targetPort: DNS_PORT, appProtocol: undefined };

const clientEnds = ({ client }: Situation): End[] => client.pods.filter(({ terminating }) => !terminating);

/** Pods, or what they would be. */
function serverEnds(service: ServiceView): End[] {
  const pods: readonly PodView[] = serversOf(service);
  if (pods.length > 0) return [...pods];
  return service.workloads.map(({ namespace, labels, containers }) => ({ namespace, labels, containers }));
}

function portsAt(route: Route, service: ServiceView, to: End): number[] {
  if (route.port === undefined) return servedPorts(service, to).slice(0, 1);
  if (service.headless && route.target && !readsSlices(route.target)) return [route.port];
  const mapped = service.ports.filter(({ port }) => port === route.port);
  return mapped.flatMap((port) => targetPortsOn(port, to));
}

/** Labels that a rollout does not change. */
const lasting = (labels: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(labels).filter(
      ([key]) => !/hash|revision|statefulset\.kubernetes\.io|pod-index/.test(key),
    ),
  );

function fixOf(
  { facts }: Situation,
  { direction, policies }: Denial,
  from: End,
  to: End,
  port: number,
  protocol: 'TCP' | 'UDP' = 'TCP',
): string {
  const [namespace = '', name = ''] = (policies[0] ?? '').split('/');
  const other = direction === 'Ingress' ? from : to;
  const peer = {
    ...(other.namespace !== namespace && {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': other.namespace } },
    }),
    podSelector: { matchLabels: lasting(other.labels) },
  };
  const [field, peers] = direction === 'Ingress' ? ['ingress', 'from'] : ['egress', 'to'];
  const policy = facts.objects.networkPolicies.find(
    ({ metadata }) => metadata?.name === name && metadata.namespace === namespace,
  );
  const rules = field === 'ingress' ? policy?.spec?.ingress : policy?.spec?.egress;
  const rule = { [peers as string]: [peer], ports: [{ protocol, port }] };
  const patch = rules?.length
    ? { op: 'add', path: `/spec/${field}/-`, value: rule }
    : { op: 'add', path: `/spec/${field}`, value: [rule] };
  return kubectl(namespace, `patch networkpolicy ${name} --type json -p '${JSON.stringify([patch])}'`);
}
