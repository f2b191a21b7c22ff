// Kubernetes' objects as they are on the wire and in the store: client-node's types, with times as strings.
import type {
  CoreV1Event,
  V1ConfigMap,
  V1Deployment,
  V1EndpointSlice,
  V1Namespace,
  V1Node,
  V1ObjectMeta,
  V1Pod,
  V1ReplicaSet,
  V1Role,
  V1RoleBinding,
  V1Secret,
  V1Service,
  V1ServiceAccount,
} from '@kubernetes/client-node';
import type { Plain } from '../../common/plain.ts';

/** Metadata of an object in the store; the namespace is '' where the kind has none. */
export type Meta = Plain<V1ObjectMeta> & {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
};

type Stored<T> = Omit<Plain<T>, 'apiVersion' | 'kind' | 'metadata'> & {
  apiVersion: string;
  kind: string;
  metadata: Meta;
};

export type ConfigMap = Stored<V1ConfigMap>;
export type Deployment = Stored<V1Deployment>;
export type EndpointSlice = Stored<V1EndpointSlice>;
export type KubeEvent = Stored<CoreV1Event>;
export type Namespace = Stored<V1Namespace>;
export type Node = Stored<V1Node>;
export type Pod = Stored<V1Pod>;
export type ReplicaSet = Stored<V1ReplicaSet>;
export type Role = Stored<V1Role>;
export type RoleBinding = Stored<V1RoleBinding>;
export type Secret = Stored<V1Secret>;
export type Service = Stored<V1Service>;
export type ServiceAccount = Stored<V1ServiceAccount>;

/** Every kind that is served, by its resource's name in a URL. */
export type Kinds = {
  configmaps: ConfigMap;
  deployments: Deployment;
  endpointslices: EndpointSlice;
  events: KubeEvent;
  namespaces: Namespace;
  nodes: Node;
  pods: Pod;
  replicasets: ReplicaSet;
  rolebindings: RoleBinding;
  roles: Role;
  secrets: Secret;
  serviceaccounts: ServiceAccount;
  services: Service;
};
export type ResourceName = keyof Kinds;
/** Any object, where its kind does not matter. */
export type KubeObject = {
  apiVersion: string;
  kind: string;
  metadata: Meta;
  spec?: unknown;
  status?: unknown;
};

/** It has run to its end, and will not run again. */
export const hasEnded = ({ status }: Pod): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** What is given to the store: the rest of the metadata is the store's to give. */
export type NewObject<T extends KubeObject> = Omit<T, 'metadata'> & {
  metadata: Partial<Omit<Meta, 'name'>> & { name: string };
};
