// Pods, and the workloads that they are of.
import type { V1ObjectMeta, V1Pod, V1PodSpec, V1PodTemplateSpec } from '@kubernetes/client-node';
import type { Plain } from '../../common/plain.ts';
import type { ClusterObjects, Facts, Log } from '../facts.ts';
import { type ContainerView, containerView } from './containers.ts';
import { type EventView, eventsOf, timeMs } from './events.ts';
import type { Labels } from './labels.ts';

export type Owner = { kind: string; name: string };

export type PodView = {
  /** `shop/greeter-5f…`. */
  ref: string;
  name: string;
  namespace: string;
  ip: string | undefined;
  ips: string[];
  node: string | undefined;
  labels: Labels;
  owner: Owner | undefined;
  hostNetwork: boolean;
  phase: string;
  ready: boolean;
  terminating: boolean;
  createdMs: number | undefined;
  /** Since when it is Ready, or is not. */
  changedMs: number | undefined;
  /** Conditions that its readiness waits for beside its containers, and that are not true. */
  closedGates: string[];
  containers: ContainerView[];
  events: EventView[];
  logs: Log[];
};

/** A Deployment or a StatefulSet. */
export type Workload = {
  kind: 'Deployment' | 'StatefulSet';
  ref: string;
  name: string;
  namespace: string;
  replicas: number;
  /** Of its pods. */
  labels: Labels;
  /** By which it knows them. */
  selector: Labels;
  containers: ContainerView[];
  events: EventView[];
};

export function podsOf({ objects, logs }: Facts): PodView[] {
  const events = Map.groupBy(
    eventsOf(objects.events).filter(({ kind }) => kind === 'Pod'),
    ({ namespace, name }) => `${namespace}/${name}`,
  );
  const logsOf = Map.groupBy(logs, ({ namespace, pod }) => `${namespace}/${pod}`);
  return objects.pods.map((pod) => {
    const { name = '', namespace = '' } = pod.metadata ?? {};
    const ref = `${namespace}/${name}`;
    const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
    return {
      ref,
      name,
      namespace,
      ip: pod.status?.podIP,
      ips: [pod.status?.podIP ?? [], (pod.status?.podIPs ?? []).map(({ ip }) => ip)].flat(),
      node: pod.spec?.nodeName,
      labels: pod.metadata?.labels ?? {},
      owner: ownerOf(pod.metadata, objects),
      hostNetwork: pod.spec?.hostNetwork ?? false,
      phase: pod.status?.phase ?? 'Unknown',
      ready: ready?.status === 'True',
      terminating: pod.metadata?.deletionTimestamp !== undefined,
      createdMs: timeMs(pod.metadata?.creationTimestamp),
      changedMs: timeMs(ready?.lastTransitionTime),
      closedGates: closedGatesOf(pod),
      containers: containersOf(pod.spec, objects, namespace, pod.status),
      events: events.get(ref) ?? [],
      logs: logsOf.get(ref) ?? [],
    };
  });
}

export function workloadsOf({ objects }: Facts): Workload[] {
  const events = eventsOf(objects.events);
  const view = (
    kind: Workload['kind'],
    {
      metadata,
      spec,
    }: {
      metadata?: Plain<V1ObjectMeta>;
      spec?: { replicas?: number; selector: { matchLabels?: Labels }; template: Plain<V1PodTemplateSpec> };
    },
  ): Workload => {
    const { name = '', namespace = '' } = metadata ?? {};
    return {
      kind,
      ref: `${namespace}/${name}`,
      name,
      namespace,
      replicas: spec?.replicas ?? 1,
      labels: spec?.template.metadata?.labels ?? {},
      selector: spec?.selector.matchLabels ?? {},
      containers: containersOf(spec?.template.spec, objects, namespace),
      events: events.filter(
        (event) => event.kind === kind && event.namespace === namespace && event.name === name,
      ),
    };
  };
  return [
    ...objects.deployments.map((deployment) => view('Deployment', deployment)),
    ...objects.statefulSets.map((set) => view('StatefulSet', set)),
  ];
}

function containersOf(
  spec: Plain<V1PodSpec> | undefined,
  { configMaps }: ClusterObjects,
  namespace: string,
  status?: Plain<V1Pod>['status'],
): ContainerView[] {
  const maps = configMaps.filter(({ metadata }) => metadata?.namespace === namespace);
  const lists = [
    ['containers', spec?.containers ?? [], status?.containerStatuses ?? []],
    ['initContainers', spec?.initContainers ?? [], status?.initContainerStatuses ?? []],
  ] as const;
  return lists.flatMap(([list, containers, statuses]) =>
    containers.map((container, index) => {
      const its = statuses.find(({ name }) => name === container.name);
      return containerView(container, `${list}/${index}`, its, maps);
    }),
  );
}

/** The workload at the top: a ReplicaSet's Deployment, by the set itself or by how Deployments name them. */
function ownerOf(
  metadata: Plain<V1ObjectMeta> | undefined,
  { replicaSets }: ClusterObjects,
): Owner | undefined {
  const [owner] = metadata?.ownerReferences ?? [];
  if (owner?.kind !== 'ReplicaSet') return owner && { kind: owner.kind, name: owner.name };
  const set = replicaSets.find(
    (each) => each.metadata?.name === owner.name && each.metadata?.namespace === metadata?.namespace,
  );
  const [above] = set?.metadata?.ownerReferences ?? [];
  if (above) return { kind: above.kind, name: above.name };
  return { kind: 'Deployment', name: owner.name.replace(/-[a-z0-9]+$/, '') };
}

function closedGatesOf({ spec, status }: Plain<V1Pod>): string[] {
  const gates = (spec?.readinessGates ?? []).map(({ conditionType }) => conditionType);
  return gates.filter(
    (gate) => !status?.conditions?.some(({ type, status: is }) => type === gate && is === 'True'),
  );
}

/** The port of that name or number on a pod, as a Service's `targetPort` means it. */
export const portsNamed = (pod: { containers: readonly ContainerView[] }, name: string): number[] =>
  pod.containers
    .filter(({ init }) => !init)
    .flatMap(({ ports }) => ports.filter((port) => port.name === name).map(({ port }) => port));

/** Ports that the pod's containers declare, which is for people to read: a server can listen on others. */
export const declaredPorts = (pod: { containers: readonly ContainerView[] }): number[] => [
  ...new Set(
    pod.containers.filter(({ init }) => !init).flatMap(({ ports }) => ports.map(({ port }) => port)),
  ),
];
