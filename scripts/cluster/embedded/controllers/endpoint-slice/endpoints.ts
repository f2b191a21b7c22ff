// What a pod is to a Service: an endpoint with its conditions, and the numbers of the Service's ports on this pod.
import { type EndpointSlice, hasEnded, type Pod, type Service } from '../../objects.ts';
import { isReady } from '../pods.ts';

export type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
export type Port = NonNullable<EndpointSlice['ports']>[number];
type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

export const endpointsOf = ({ endpoints }: EndpointSlice): Endpoint[] => endpoints ?? [];

/** It has an address, and its processes have not ended. */
export const canBeEndpoint = (pod: Pod): boolean => Boolean(pod.status?.podIP) && !hasEnded(pod);

/** @param zone of the pod's node. */
export function endpointOf(service: Service, pod: Pod, zone: string | undefined): Endpoint {
  const { name, namespace = '', uid, deletionTimestamp } = pod.metadata;
  const { nodeName } = pod.spec ?? {};
  const serving = isReady(pod);
  const terminating = deletionTimestamp !== undefined;
  const ready = Boolean(service.spec?.publishNotReadyAddresses) || (serving && !terminating);
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready, serving, terminating },
    ...(nodeName ? { nodeName } : {}),
    targetRef: { kind: 'Pod', name, namespace, uid },
    ...(zone ? { zone } : {}),
  };
}

/** A port that the pod has no number for is left out. */
export const portsOf = ({ spec }: Service, pod: Pod): Port[] =>
  (spec?.ports ?? []).flatMap((port) => {
    const number = numberOf(port, pod);
    if (number === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = port;
    return [{ name, port: number, protocol, ...(appProtocol ? { appProtocol } : {}) }];
  });

function numberOf({ targetPort, port, protocol = 'TCP' }: ServicePort, pod: Pod): number | undefined {
  if (targetPort === undefined) return port;
  if (typeof targetPort === 'number') return targetPort;
  return pod.spec?.containers
    .flatMap(({ ports }) => ports ?? [])
    .find((named) => named.name === targetPort && (named.protocol ?? 'TCP') === protocol)?.containerPort;
}
