// What the client dials, and which Service that means. Source: Kubernetes, "DNS for Services and Pods".
import type { Facts } from '../facts.ts';
import { parseTarget, type Target, targetsIn } from '../targets.ts';
import type { ContainerView } from './containers.ts';
import { nearest } from './nearness.ts';
import type { PodView } from './pods.ts';
import type { ServiceView } from './services.ts';
import { portOf } from './target.ts';

export type Meaning =
  /** A Service, by its name or its virtual IP. */
  | { kind: 'service'; service: ServiceView }
  /** The name of a Service that is not there. */
  | {
      kind: 'absent';
      name: string;
      namespace: string;
      /** Without a namespace: the client's own. */
      short: boolean;
      namespaceExists: boolean;
      /** Those of the same name in other namespaces. */
      elsewhere: ServiceView[];
      /** Those with names like it in that namespace. */
      nearest: ServiceView[];
    }
  /** A pod by its address. */
  | { kind: 'pod'; pod: PodView }
  /** Nothing that Kubernetes has: another host, or a namespace that was not read. */
  | { kind: 'outside' };

export type Route = {
  /** Undefined where only the Service is known, not who dials it. */
  target: Target | undefined;
  /** With the default port where none is given; undefined where the target is not known. */
  port: number | undefined;
  meaning: Meaning;
  /** The Service that is meant: by its name, or as far as can be guessed. */
  service: ServiceView | undefined;
};

/** What names are looked up in. */
export type Names = {
  clientNamespace: string;
  services: readonly ServiceView[];
  pods: readonly PodView[];
  namespaces: ReadonlySet<string>;
  /** Namespaces whose Services were read. */
  readNamespaces: ReadonlySet<string>;
  domain: string;
};

export function routesOf(facts: Facts, names: Names, containers: readonly ContainerView[]): Route[] {
  const known = targetsOf(facts, containers)
    .map((target) => routeOf(target, names))
    .filter(isTarget);
  const { service: asked, namespace } = facts.question;
  if (asked === undefined) return known;
  const toAsked = known.filter(({ service }) => service?.name === asked && service.namespace === namespace);
  if (toAsked.length > 0) return toAsked;
  const service = names.services.find((each) => each.name === asked && each.namespace === namespace);
  const lost = known.filter(({ meaning }) => meaning.kind !== 'service' || facts.clients.length > 0);
  if (service === undefined) return lost;
  const unknown: Route = {
    target: undefined,
    port: undefined,
    meaning: { kind: 'service', service },
    service,
  };
  // A client that was seen dialling something else does not dial this.
  return [...lost.map((route) => ({ ...route, service: route.service ?? service })), unknown];
}

/** What a running workload dials is sure; settings are what it is told, and where that can be changed. */
function targetsOf({ clients, objects, question }: Facts, containers: readonly ContainerView[]): Target[] {
  const { namespace } = question.client;
  const maps = objects.configMaps.filter(({ metadata }) => metadata?.namespace === namespace);
  const specs = containerSpecs(objects, question, containers);
  const told = unique(specs.flatMap((container) => targetsIn(container, maps)));
  const running = clients.flatMap(({ pod, workloads }) =>
    workloads
      .filter(({ status }) => status.running)
      .flatMap(({ spec }) => {
        const target = parseTarget(spec.target, true);
        const where =
          told.find(({ raw }) => raw === spec.target)?.where ?? `workload ${spec.id} of ${namespace}/${pod}`;
        return target ? [{ ...target, where }] : [];
      }),
  );
  return running.length > 0 ? unique(running) : told;
}

function containerSpecs(
  objects: Facts['objects'],
  { client }: Facts['question'],
  containers: readonly ContainerView[],
) {
  const wanted = new Set(containers.map(({ name }) => name));
  const sets = [...objects.deployments, ...objects.statefulSets];
  const template = sets.find(
    ({ metadata }) => metadata?.name === client.name && metadata.namespace === client.namespace,
  )?.spec?.template.spec;
  const spec =
    template ??
    objects.pods.find(
      ({ metadata, spec }) =>
        metadata?.namespace === client.namespace &&
        metadata.ownerReferences?.some(({ name }) => name === client.name) &&
        spec !== undefined,
    )?.spec;
  return (spec?.containers ?? []).filter(({ name }) => wanted.has(name) || wanted.size === 0);
}

const unique = (targets: readonly Target[]): Target[] =>
  [
    ...new Map(targets.toReversed().map((target) => [`${target.host}:${portOf(target)}`, target])).values(),
  ].toReversed();

/** A word alone may be anything (`LOG_TARGET=stdout`): it is a target where a Service is called so, or nearly. */
const isTarget = ({ target, service }: Route): boolean =>
  target?.port !== undefined || target?.scheme !== undefined || service !== undefined;

export function routeOf(target: Target, names: Names): Route {
  const meaning = meaningOf(target.host, names);
  // A resolver that reads EndpointSlices knows ports by their names too, and needs none where there is one.
  const port = readsSlices(target) ? target.port : portOf(target);
  return { target, port, meaning, service: meantBy(meaning) };
}

/** Whether ports are the Service's, mapped as it says, also where it is headless. */
export const readsSlices = ({ scheme }: Target): boolean => scheme === 'kubernetes' || scheme === 'k8s';

function meantBy(meaning: Meaning): ServiceView | undefined {
  if (meaning.kind === 'service') return meaning.service;
  if (meaning.kind !== 'absent') return undefined;
  return meaning.elsewhere[0] ?? meaning.nearest[0];
}

export function meaningOf(host: string, names: Names): Meaning {
  const { services, pods, clientNamespace, domain } = names;
  const byAddress = services.find(({ clusterIPs }) => clusterIPs.includes(host));
  if (byAddress) return { kind: 'service', service: byAddress };
  const pod = pods.find(({ ips }) => ips.includes(host));
  if (pod) return { kind: 'pod', pod };
  if (/^[\d.]+$|:/.test(host) || host === 'localhost') return { kind: 'outside' };

  const bare = host.replace(/\.$/, '').toLowerCase();
  const isWhole = bare.endsWith(`.svc.${domain}`);
  const inside = isWhole ? bare.slice(0, -domain.length - 1) : bare;
  const labels = inside.split('.');
  if (labels.at(-1) === 'svc') labels.pop();
  else if (isWhole || labels.length > 3) return { kind: 'outside' };
  // `pod.service.namespace` is a name of a headless Service's pod.
  const [first = '', second, third] = labels;
  const find = (name: string, namespace: string) =>
    services.find((each) => each.name === name && each.namespace === namespace);
  if (second !== undefined && third !== undefined) {
    const service = find(second, third);
    if (service) return { kind: 'service', service };
    return inside.endsWith('.svc') ? absent(second, third, false, names) : { kind: 'outside' };
  }
  const service = find(first, second ?? clientNamespace);
  if (service) return { kind: 'service', service };
  const ofPod = second === undefined ? undefined : find(second, clientNamespace);
  if (ofPod?.headless) return { kind: 'service', service: ofPod };
  const isPublic =
    !inside.endsWith('.svc') && /^(com|org|net|io|dev|app|internal|lan|local)$/.test(second ?? '');
  return isPublic
    ? { kind: 'outside' }
    : absent(first, second ?? clientNamespace, second === undefined, names);
}

function absent(name: string, namespace: string, short: boolean, names: Names): Meaning {
  const namespaceExists = names.namespaces.size === 0 || names.namespaces.has(namespace);
  if (namespaceExists && !names.readNamespaces.has(namespace)) return { kind: 'outside' };
  return {
    kind: 'absent',
    name,
    namespace,
    short,
    namespaceExists,
    elsewhere: names.services.filter((each) => each.name === name && each.namespace !== namespace),
    nearest: nearest(
      name,
      names.services.filter((each) => each.namespace === namespace),
      (each) => each.name,
    ),
  };
}
