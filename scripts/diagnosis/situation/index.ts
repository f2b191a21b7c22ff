// What the facts mean: the words that rules are written in. Derived once, from the facts alone.
import type { ClientFacts, Facts } from '../facts.ts';
import type { ContainerView } from './containers.ts';
import { type Dns, dnsOf } from './dns.ts';
import { type Calls, callsOf } from './failures.ts';
import { type PodView, podsOf, type Workload, workloadsOf } from './pods.ts';
import { type Policies, policiesOf } from './policies.ts';
import { type Probed, probedOf } from './probed.ts';
import { type Names, type Route, routesOf } from './routes.ts';
import { type ServiceView, serviceView } from './services.ts';

export type { ContainerView, ProbeSetting } from './containers.ts';
export { describeFailure, type Failure } from './failures.ts';
export { timeIn } from './log-failures.ts';
export { declaredPorts, type PodView, type Workload } from './pods.ts';
export type { End } from './policies.ts';
export * from './probed.ts';
export { type Route, readsSlices } from './routes.ts';
export {
  hasReady,
  readyOf,
  type ServicePort,
  type ServiceView,
  servedPorts,
  serversOf,
  targetPortsOn,
} from './services.ts';
export { startedMs } from './told.ts';

export type Client = {
  kind: string;
  name: string;
  namespace: string;
  ref: string;
  /** Those that have not ended. */
  pods: PodView[];
  /** Of a pod of it; else of what its pods are made from. */
  containers: ContainerView[];
};

export type Situation = {
  facts: Facts;
  /** When the facts were gathered, in milliseconds since the epoch. */
  nowMs: number;
  client: Client;
  /** What pods of the client tell of themselves. */
  agents: ClientFacts[];
  routes: Route[];
  services: ServiceView[];
  dns: Dns;
  calls: Calls;
  probed: Probed[];
  policies: Policies;
};

export function situationOf(facts: Facts): Situation {
  const nowMs = Date.parse(facts.at);
  const { objects, question } = facts;
  const pods = podsOf(facts);
  const workloads = workloadsOf(facts);
  const client = clientOf(facts, pods, workloads);
  const services = objects.services.map((service) =>
    serviceView(service, objects, pods, workloads, client.ref),
  );
  const namespaces = new Map(
    objects.namespaces.map(({ metadata }) => [metadata?.name ?? '', metadata?.labels ?? {}]),
  );
  return {
    facts,
    nowMs,
    client,
    agents: facts.clients,
    routes: routesOf(facts, namesOf(facts, services, pods), client.containers),
    services,
    dns: dnsOf(facts, services, workloads),
    calls: callsOf(facts.clients, client.pods, nowMs),
    probed: probedOf(facts),
    // The API server gives every namespace this label, which policies select by.
    policies: policiesOf(objects.networkPolicies, (namespace) => ({
      'kubernetes.io/metadata.name': namespace,
      ...namespaces.get(namespace),
    })),
  };

  function namesOf({ unseen, probes }: Facts, all: ServiceView[], allPods: PodView[]): Names {
    const isUnseen = (namespace: string) =>
      unseen.some(({ what }) => new RegExp(`\\bServices in ${RegExp.escape(namespace)}$`).test(what));
    const read = [question.namespace, question.client.namespace, ...all.map(({ namespace }) => namespace)];
    const search = probes.flatMap(({ answer }) => answer.resolvConf?.search ?? []);
    return {
      clientNamespace: question.client.namespace,
      services: all,
      pods: allPods,
      namespaces: new Set(namespaces.keys()),
      readNamespaces: new Set(read.filter((namespace) => !isUnseen(namespace))),
      domain: search.find((domain) => domain.startsWith('svc.'))?.slice('svc.'.length) ?? 'cluster.local',
    };
  }
}

function clientOf({ question }: Facts, pods: readonly PodView[], workloads: readonly Workload[]): Client {
  const { kind, name, namespace } = question.client;
  const own = pods.filter(
    (pod) =>
      pod.namespace === namespace &&
      pod.owner?.kind === kind &&
      pod.owner.name === name &&
      pod.phase !== 'Succeeded' &&
      pod.phase !== 'Failed',
  );
  const template = workloads.find(
    (workload) => workload.kind === kind && workload.name === name && workload.namespace === namespace,
  );
  const containers = own.find(({ terminating }) => !terminating)?.containers ?? template?.containers ?? [];
  return { kind, name, namespace, ref: `${namespace}/${name}`, pods: own, containers };
}
