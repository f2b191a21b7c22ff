// The objects that a question is about: of its namespaces, of those that the client's targets name, and the cluster's DNS.
import type { ClusterObjects, Question } from '../facts.ts';
import { type Target, targetsIn } from '../targets.ts';
import { configMapsOf, containersOf, templateOf } from './client.ts';
import { collector } from './collector.ts';
import { type Look, MOST } from './look.ts';
import { podRank } from './pods.ts';
import { pruned } from './prune.ts';
import type { ObjectOf } from './resources.ts';
import { clusterName, servicesInQuestion } from './services.ts';

export type Gathered = { objects: ClusterObjects; targets: Target[] };

/** Namespaces that are followed from what a client dials. */
const MOST_NAMESPACES = 5;
const SYSTEM = 'kube-system';
/** Of what serves names, CoreDNS as well as what was before it. Source: the DNS addon of Kubernetes. */
const DNS_LABEL = 'k8s-app=kube-dns';

type Here = Awaited<ReturnType<typeof inNamespace>>;

/** Objects as Kubernetes has them, without secrets; what could not be seen is noted in `look`. */
export async function gatherObjects(look: Look, question: Question): Promise<Gathered> {
  const own = [...new Set([question.namespace, question.client.namespace])];
  const [ownHere, known, nodes, system, settings] = await Promise.all([
    Promise.all(own.map((namespace) => inNamespace(look, namespace))),
    namespacesOf(look, own),
    look.list('nodes', {}),
    dnsOf(look),
    settingsOf(look, question),
  ]);
  const { targets, configMaps } = settings;
  const named = namespacesIn(targets, question, known).filter((name) => !own.includes(name));
  const further = await Promise.all(named.map((namespace) => inNamespace(look, namespace)));
  const here = [...ownHere, ...further];
  const services = here.flatMap((one) => one.services);
  const inQuestion = servicesInQuestion(question, targets, services);
  const rank = podRank(question, targets, inQuestion, services);
  const pods = await podsOf(look, [...own, ...named], rank);

  const all = <Key extends keyof Here>(key: Key) => here.flatMap((one) => one[key] as Here[Key][number][]);
  return {
    targets,
    objects: {
      namespaces: finished(known.namespaces),
      nodes: finished(nodes),
      services: finished([...services, ...system.services]),
      endpointSlices: finished([...all('endpointslices'), ...system.endpointslices]),
      deployments: finished([...all('deployments'), ...system.deployments]),
      statefulSets: finished(all('statefulsets')),
      replicaSets: finished(all('replicasets')),
      pods: finished([...pods, ...system.pods]),
      networkPolicies: finished([...all('networkpolicies'), ...system.networkpolicies]),
      configMaps: finished([...configMaps, ...system.configmaps]),
      events: finished(all('events')),
    },
  };
}

async function inNamespace(look: Look, namespace: string) {
  const where = { namespace };
  const [services, endpointslices, deployments, statefulsets, replicasets, networkpolicies, events] =
    await Promise.all([
      look.list('services', where),
      look.list('endpointslices', where),
      look.list('deployments', where),
      look.list('statefulsets', where),
      look.list('replicasets', where, ({ status, spec }) => (status?.replicas || spec?.replicas ? 1 : 0)),
      look.list('networkpolicies', where),
      look.list('events', where, (event) => Date.parse(lastSeen(event)) || 0),
    ]);
  return { services, endpointslices, deployments, statefulsets, replicasets, networkpolicies, events };
}

const lastSeen = ({ lastTimestamp, series, eventTime, metadata }: ObjectOf['events']): string =>
  series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata?.creationTimestamp ?? '';

/** What resolves names. On some clusters it is elsewhere; then it is not seen. */
async function dnsOf(look: Look) {
  const labelled = { namespace: SYSTEM, labelSelector: DNS_LABEL };
  const ofService = { namespace: SYSTEM, labelSelector: 'kubernetes.io/service-name=kube-dns' };
  const [service, endpointslices, deployments, pods, configmap, networkpolicies] = await Promise.all([
    look.get('services', 'kube-dns', SYSTEM),
    look.list('endpointslices', ofService),
    look.list('deployments', labelled),
    look.list('pods', labelled),
    look.get('configmaps', 'coredns', SYSTEM),
    look.list('networkpolicies', { namespace: SYSTEM }),
  ]);
  return {
    services: service ? [service] : [],
    endpointslices,
    deployments,
    pods,
    configmaps: configmap ? [configmap] : [],
    networkpolicies,
  };
}

type Namespaces = { namespaces: ObjectOf['namespaces'][]; listed: boolean };

/** Where namespaces cannot be listed, those in question may still be there to get. */
async function namespacesOf(look: Look, own: readonly string[]): Promise<Namespaces> {
  const isOwn = ({ metadata }: ObjectOf['namespaces']) => own.includes(metadata?.name ?? '');
  const listed = await look.list('namespaces', {}, (namespace) => (isOwn(namespace) ? 1 : 0));
  if (listed.length > 0) return { namespaces: listed, listed: true };
  const each = await Promise.all(own.map((name) => look.get('namespaces', name)));
  return { namespaces: each.filter((namespace) => namespace !== undefined), listed: false };
}

/** What the client is set to dial. */
async function settingsOf(look: Look, question: Question) {
  const { namespace } = question.client;
  const template = await templateOf(look, question);
  const named = await Promise.all(
    configMapsOf(template).map((name) => look.get('configmaps', name, namespace)),
  );
  const configMaps = named.filter((configMap) => configMap !== undefined);
  return { configMaps, targets: containersOf(template).flatMap((one) => targetsIn(one, configMaps)) };
}

/** Namespaces that the targets name, as far as they are there; where that cannot be told, those of `….svc` names. */
function namespacesIn(
  targets: readonly Target[],
  { client }: Question,
  { namespaces, listed }: Namespaces,
): string[] {
  const there = new Set(namespaces.map(({ metadata }) => metadata?.name ?? ''));
  const named = targets.flatMap(({ host }) => {
    const { namespace } = clusterName(host, client.namespace) ?? {};
    if (namespace === undefined) return [];
    return there.has(namespace) || (!listed && host.includes(`.${namespace}.svc`)) ? [namespace] : [];
  });
  return [...new Set(named)].slice(0, MOST_NAMESPACES);
}

async function podsOf(
  look: Look,
  namespaces: readonly string[],
  rank: (pod: ObjectOf['pods']) => number,
): Promise<ObjectOf['pods'][]> {
  const each = await Promise.all(namespaces.map((namespace) => look.list('pods', { namespace }, rank)));
  const found = collector(MOST, rank);
  for (const pod of each.flat()) found.add(pod);
  if (found.left() > 0) {
    const why = `no more than ${MOST} are looked at`;
    look.unseen.push({ what: `${found.left()} further Pods in ${namespaces.join(', ')}`, why });
  }
  return found.kept();
}

/** Each once, pruned. */
function finished<T extends { metadata?: { namespace?: string; name?: string } | undefined }>(
  objects: readonly T[],
): T[] {
  const once = new Map(objects.map((one) => [`${one.metadata?.namespace}/${one.metadata?.name}`, one]));
  return [...once.values()].map(pruned);
}
