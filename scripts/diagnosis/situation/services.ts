// Services: what their selectors select, and what stands behind them.
import type { V1Service } from '@kubernetes/client-node';
import type { Plain } from '../../common/plain.ts';
import type { ClusterObjects } from '../facts.ts';
import type { ContainerView } from './containers.ts';
import { hasLabels, type Labels } from './labels.ts';
import { isLike } from './nearness.ts';
import { declaredPorts, type PodView, portsNamed, type Workload } from './pods.ts';

export type ServicePort = {
  name: string | undefined;
  port: number;
  targetPort: number | string;
  appProtocol: string | undefined;
};

export type Endpoint = {
  address: string;
  pod: string | undefined;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
  ports: (number | undefined)[];
};

/** Pods that a selector may have meant, and how like it their labels are. */
export type Near = {
  owner: { kind: string; name: string };
  labels: Labels;
  /** Those by which the workload knows its pods; else those of its pods that do not change. */
  selector: Labels;
  pods: PodView[];
  workload: Workload | undefined;
  score: number;
};

export type ServiceView = {
  ref: string;
  name: string;
  namespace: string;
  headless: boolean;
  clusterIPs: string[];
  externalName: string | undefined;
  /** Undefined where its endpoints are made by somebody else. */
  selector: Labels | undefined;
  ports: ServicePort[];
  /** That its selector selects, and that have not ended. */
  pods: PodView[];
  /** Whose pods its selector selects, or would. */
  workloads: Workload[];
  /** Of all its slices. */
  endpoints: Endpoint[];
  /** Whether any slice of it was seen. */
  hasSlices: boolean;
  /** The likest first; only where the selector selects nothing. */
  near: Near[];
};

export function serviceView(
  service: Plain<V1Service>,
  objects: ClusterObjects,
  allPods: readonly PodView[],
  allWorkloads: readonly Workload[],
  clientRef: string,
): ServiceView {
  const { name = '', namespace = '' } = service.metadata ?? {};
  const spec = service.spec;
  const selector = Object.keys(spec?.selector ?? {}).length > 0 ? spec?.selector : undefined;
  const pods = allPods.filter((pod) => pod.namespace === namespace && isLive(pod));
  const workloads = allWorkloads.filter((workload) => workload.namespace === namespace);
  const selected = selector ? pods.filter(({ labels }) => hasLabels(labels, selector)) : [];
  const selectedWorkloads = selector ? workloads.filter(({ labels }) => hasLabels(labels, selector)) : [];
  const ports = (spec?.ports ?? []).map((port) => ({
    name: port.name,
    port: port.port,
    targetPort: (port.targetPort ?? port.port) as number | string,
    appProtocol: port.appProtocol,
  }));
  const slices = objects.endpointSlices.filter(
    ({ metadata }) =>
      metadata?.namespace === namespace && metadata.labels?.['kubernetes.io/service-name'] === name,
  );
  const isNone = selected.length === 0 && selectedWorkloads.length === 0;
  let near: Near[] | undefined;
  return {
    ref: `${namespace}/${name}`,
    name,
    namespace,
    headless: spec?.clusterIP === 'None',
    clusterIPs: [spec?.clusterIP ?? [], spec?.clusterIPs ?? []]
      .flat()
      .filter((ip) => ip !== 'None' && ip !== ''),
    externalName: spec?.type === 'ExternalName' ? spec.externalName : undefined,
    selector,
    ports,
    pods: selected,
    workloads: selectedWorkloads,
    endpoints: slices.flatMap((slice) =>
      // EndpointSlices may leave any condition out: ready then means yes, terminating no.
      (slice.endpoints ?? []).flatMap(({ addresses, conditions, targetRef }) =>
        addresses.map((address) => ({
          address,
          pod: targetRef?.kind === 'Pod' ? targetRef.name : undefined,
          ready: conditions?.ready ?? true,
          serving: conditions?.serving ?? conditions?.ready ?? true,
          terminating: conditions?.terminating ?? false,
          ports: (slice.ports ?? []).map(({ port }) => port),
        })),
      ),
    ),
    hasSlices: slices.length > 0,
    // Looked for when it is asked for: of hundreds of Services, one is in question.
    get near() {
      near ??=
        selector && isNone
          ? nearTo(name, selector, ports, pods, workloads).filter(
              ({ owner }) => `${namespace}/${owner.name}` !== clientRef,
            )
          : [];
      return near;
    },
  };
}

const isLive = ({ terminating, phase }: PodView): boolean =>
  !terminating && phase !== 'Succeeded' && phase !== 'Failed';

function nearTo(
  name: string,
  selector: Labels,
  ports: readonly ServicePort[],
  pods: readonly PodView[],
  workloads: readonly Workload[],
): Near[] {
  const owners = new Map<string, Near>();
  for (const workload of workloads) {
    const { kind, labels } = workload;
    const near = { owner: { kind, name: workload.name }, labels, selector: workload.selector, workload };
    owners.set(`${kind}/${workload.name}`, { ...near, pods: [], score: 0 });
  }
  for (const pod of pods) {
    const owner = pod.owner ?? { kind: 'Pod', name: pod.name };
    const key = `${owner.kind}/${owner.name}`;
    const near = owners.get(key);
    if (near) near.pods.push(pod);
    else {
      const lasting = Object.entries(pod.labels).filter(
        ([label]) => !/hash|revision|pod-(name|index)/.test(label),
      );
      const known = { labels: pod.labels, selector: Object.fromEntries(lasting) };
      owners.set(key, { owner, ...known, pods: [pod], workload: undefined, score: 0 });
    }
  }
  return [...owners.values()]
    .map((near) => ({ ...near, score: likeness(near, name, selector, ports) }))
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score);
}

/** Same labels count most, then like ones, then a port that the Service wants, then its name. */
function likeness(near: Near, name: string, selector: Labels, ports: readonly ServicePort[]): number {
  const values = Object.values(near.labels);
  const labels = Object.entries(selector).map(([key, wanted]) => {
    const value = near.labels[key];
    if (value === wanted) return 3;
    return (value !== undefined && isLike(value, wanted)) || values.includes(wanted) ? 2 : 0;
  });
  const listener = near.pods[0] ?? near.workload;
  const listens = ports.some(
    ({ targetPort }) =>
      listener !== undefined &&
      (typeof targetPort === 'number'
        ? declaredPorts(listener).includes(targetPort)
        : portsNamed(listener, targetPort).length > 0),
  );
  const sum = labels.reduce<number>((total, points) => total + points, 0);
  return sum + (listens ? 2 : 0) + (isLike(near.owner.name, name) ? 1 : 0);
}

/** A pod, or what one would be. */
type Listener = { containers: readonly ContainerView[] };

/** Ports of a pod to which a port of the Service leads. */
export const targetPortsOn = ({ targetPort }: ServicePort, pod: Listener): number[] =>
  typeof targetPort === 'number' ? [targetPort] : portsNamed(pod, targetPort);

/** Pods that serve it, or that it seems to be meant for. */
export const serversOf = (service: ServiceView): PodView[] =>
  service.pods.length > 0 ? service.pods : (service.near[0]?.pods ?? []);

/** Ports of a pod on which the Service's calls arrive. */
export function servedPorts(service: ServiceView, pod: Listener): number[] {
  return [...new Set(service.ports.flatMap((port) => targetPortsOn(port, pod)))];
}

/** How many pods are Ready. */
export const readyOf = (service: ServiceView): PodView[] => service.pods.filter(({ ready }) => ready);

/** Whether a call to the Service can arrive at a pod: by its slices, or by its pods where no slice was seen. */
export const hasReady = (service: ServiceView): boolean =>
  service.hasSlices ? service.endpoints.some(({ ready }) => ready) : readyOf(service).length > 0;
