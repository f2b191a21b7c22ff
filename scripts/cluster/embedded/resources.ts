// The kinds that are served, under the names by which Kubernetes, kubectl and URLs know them.
import type { ResourceName } from './objects.ts';

export type Resource = {
  /** In a URL: `pods`. */
  name: ResourceName;
  kind: string;
  singular: string;
  /** '' is the core group. */
  group: string;
  version: 'v1';
  namespaced: boolean;
  shortNames: readonly string[];
  categories: readonly string[];
  /** Made with the cluster: clients neither create nor delete it. */
  fixed: boolean;
  /** Beside the object itself; `log` and `proxy` are read only. */
  subresources: readonly ('status' | 'scale' | 'log' | 'proxy')[];
};

type Optional = 'group' | 'shortNames' | 'categories' | 'fixed' | 'subresources' | 'namespaced';
const define = (
  resource: Omit<Resource, Optional | 'version'> & Partial<Pick<Resource, Optional>>,
): Resource => ({
  group: '',
  version: 'v1',
  namespaced: true,
  shortNames: [],
  categories: [],
  fixed: false,
  subresources: [],
  ...resource,
});

const all = ['all'];

export const resources: Record<ResourceName, Resource> = {
  configmaps: define({ name: 'configmaps', kind: 'ConfigMap', singular: 'configmap', shortNames: ['cm'] }),
  deployments: define({
    name: 'deployments',
    kind: 'Deployment',
    singular: 'deployment',
    group: 'apps',
    shortNames: ['deploy'],
    categories: all,
    subresources: ['status', 'scale'],
  }),
  endpointslices: define({
    name: 'endpointslices',
    kind: 'EndpointSlice',
    singular: 'endpointslice',
    group: 'discovery.k8s.io',
  }),
  events: define({ name: 'events', kind: 'Event', singular: 'event', shortNames: ['ev'] }),
  namespaces: define({
    name: 'namespaces',
    kind: 'Namespace',
    singular: 'namespace',
    namespaced: false,
    shortNames: ['ns'],
    subresources: ['status'],
  }),
  nodes: define({
    name: 'nodes',
    kind: 'Node',
    singular: 'node',
    namespaced: false,
    fixed: true,
    shortNames: ['no'],
    subresources: ['status'],
  }),
  pods: define({
    name: 'pods',
    kind: 'Pod',
    singular: 'pod',
    shortNames: ['po'],
    categories: all,
    subresources: ['status', 'log', 'proxy'],
  }),
  replicasets: define({
    name: 'replicasets',
    kind: 'ReplicaSet',
    singular: 'replicaset',
    group: 'apps',
    shortNames: ['rs'],
    categories: all,
    subresources: ['status', 'scale'],
  }),
  rolebindings: define({
    name: 'rolebindings',
    kind: 'RoleBinding',
    singular: 'rolebinding',
    group: 'rbac.authorization.k8s.io',
  }),
  roles: define({ name: 'roles', kind: 'Role', singular: 'role', group: 'rbac.authorization.k8s.io' }),
  secrets: define({ name: 'secrets', kind: 'Secret', singular: 'secret' }),
  serviceaccounts: define({
    name: 'serviceaccounts',
    kind: 'ServiceAccount',
    singular: 'serviceaccount',
    shortNames: ['sa'],
  }),
  services: define({
    name: 'services',
    kind: 'Service',
    singular: 'service',
    shortNames: ['svc'],
    categories: all,
    subresources: ['status'],
  }),
};

export const apiVersionOf = ({ group, version }: Resource): string =>
  group ? `${group}/${version}` : version;

/** `deployments.apps`, as error messages name a resource. */
export const qualifiedName = ({ name, group }: Resource): string => (group ? `${name}.${group}` : name);
