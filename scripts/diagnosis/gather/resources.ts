// What a diagnosis may look at. Secrets are not among it, and so cannot be asked for.
import type { ClusterObjects } from '../facts.ts';

type Resource = {
  /** Of its group and version: `/apis/apps/v1`. */
  base: string;
  /** For people: `Deployments`. */
  kind: string;
  plural: string;
};

const define = (base: string, kind: string, plural = `${kind}s`): Resource => ({ base, kind, plural });

export const RESOURCES = {
  namespaces: define('/api/v1', 'Namespace'),
  nodes: define('/api/v1', 'Node'),
  services: define('/api/v1', 'Service'),
  pods: define('/api/v1', 'Pod'),
  configmaps: define('/api/v1', 'ConfigMap'),
  events: define('/api/v1', 'Event'),
  deployments: define('/apis/apps/v1', 'Deployment'),
  statefulsets: define('/apis/apps/v1', 'StatefulSet'),
  daemonsets: define('/apis/apps/v1', 'DaemonSet'),
  replicasets: define('/apis/apps/v1', 'ReplicaSet'),
  endpointslices: define('/apis/discovery.k8s.io/v1', 'EndpointSlice'),
  networkpolicies: define('/apis/networking.k8s.io/v1', 'NetworkPolicy', 'NetworkPolicies'),
} satisfies Record<string, Resource>;
export type ResourceName = keyof typeof RESOURCES;

type Each<Key extends keyof ClusterObjects> = ClusterObjects[Key][number];

/** An object as JSON has it. */
export type ObjectOf = {
  namespaces: Each<'namespaces'>;
  nodes: Each<'nodes'>;
  services: Each<'services'>;
  pods: Each<'pods'>;
  configmaps: Each<'configMaps'>;
  events: Each<'events'>;
  deployments: Each<'deployments'>;
  statefulsets: Each<'statefulSets'>;
  /** Their templates alone are looked at. */
  daemonsets: Pick<Each<'deployments'>, 'metadata'> & {
    spec?: Pick<NonNullable<Each<'deployments'>['spec']>, 'selector' | 'template'>;
  };
  replicasets: Each<'replicaSets'>;
  endpointslices: Each<'endpointSlices'>;
  networkpolicies: Each<'networkPolicies'>;
};

/** `Pods in shop`, `Service greeter in shop`. */
export function describe(resource: ResourceName, namespace?: string, name?: string): string {
  const { kind, plural } = RESOURCES[resource];
  const what = name === undefined ? plural : `${kind} ${name}`;
  return namespace === undefined ? what : `${what} in ${namespace}`;
}
