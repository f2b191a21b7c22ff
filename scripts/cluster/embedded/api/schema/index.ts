// The schema of every kind that is served: exactly the fields that do something, and those that may do nothing.
import type { ResourceName } from '../../objects.ts';
import { apiVersionOf, type Resource, resources } from '../../resources.ts';
import { deploymentSpec, deploymentStatus, replicaSetSpec, replicaSetStatus } from './apps.ts';
import { bool, int32, labels, list, map, oneOf, type Schema, struct, text, texts, time } from './build.ts';
import { listKeys } from './lists.ts';
import { condition, localObjectReference, objectMeta, objectReference } from './metadata.ts';
import { endpointSliceFields, serviceSpec, serviceStatus } from './network.ts';
import { nodeSpec, nodeStatus } from './node.ts';
import { podSpec } from './pod.ts';
import { podStatus } from './pod-status.ts';

const RBAC = 'api.rbac.v1';
const packages: Record<string, string> = {
  '': 'core',
  apps: 'apps',
  'discovery.k8s.io': 'discovery',
  'rbac.authorization.k8s.io': 'rbac',
};

function kind(name: ResourceName, fields: Record<string, Schema>, required: readonly string[] = []): Schema {
  const resource = resources[name];
  const { group, version } = resource;
  return struct(
    `api.${packages[group]}.${version}.${resource.kind}`,
    {
      apiVersion: oneOf([apiVersionOf(resource)]),
      kind: oneOf([resource.kind]),
      metadata: objectMeta,
      ...fields,
    },
    {
      required,
      extensions: { 'x-kubernetes-group-version-kind': [{ group, kind: resource.kind, version }] },
    },
  );
}

const policyRule = struct(
  `${RBAC}.PolicyRule`,
  { apiGroups: texts, resourceNames: texts, resources: texts, verbs: texts },
  { required: ['verbs'] },
);
const subject = struct(
  `${RBAC}.Subject`,
  { apiGroup: text, kind: oneOf(['ServiceAccount', 'User', 'Group']), name: text, namespace: text },
  { atomic: true, required: ['kind', 'name'] },
);
const roleRef = struct(
  `${RBAC}.RoleRef`,
  { apiGroup: text, kind: oneOf(['Role'], ['ClusterRole']), name: text },
  { atomic: true, required: ['apiGroup', 'kind', 'name'] },
);

const namespaceSpec = struct('api.core.v1.NamespaceSpec', { finalizers: texts });
const namespaceStatus = struct('api.core.v1.NamespaceStatus', {
  conditions: condition('api.core.v1.NamespaceCondition'),
  phase: text,
});

const schemas: Readonly<Record<ResourceName, Schema>> = {
  configmaps: kind('configmaps', { binaryData: map(text), data: labels, immutable: bool }),
  deployments: kind('deployments', { spec: deploymentSpec, status: deploymentStatus }),
  endpointslices: kind('endpointslices', endpointSliceFields, ['addressType', 'endpoints']),
  events: kind(
    'events',
    {
      action: text,
      count: int32,
      eventTime: time,
      firstTimestamp: time,
      involvedObject: objectReference,
      lastTimestamp: time,
      message: text,
      reason: text,
      related: objectReference,
      reportingComponent: text,
      reportingInstance: text,
      series: struct('api.core.v1.EventSeries', { count: int32, lastObservedTime: time }),
      source: struct('api.core.v1.EventSource', { component: text, host: text }),
      type: text,
    },
    ['metadata', 'involvedObject'],
  ),
  namespaces: kind('namespaces', { spec: namespaceSpec, status: namespaceStatus }),
  nodes: kind('nodes', { spec: nodeSpec, status: nodeStatus }),
  pods: kind('pods', { spec: podSpec, status: podStatus }),
  replicasets: kind('replicasets', { spec: replicaSetSpec, status: replicaSetStatus }),
  rolebindings: kind('rolebindings', { roleRef, subjects: list(subject) }, ['roleRef']),
  roles: kind('roles', { rules: list(policyRule) }, ['rules']),
  secrets: kind('secrets', { data: labels, immutable: bool, stringData: labels, type: text }),
  serviceaccounts: kind('serviceaccounts', {
    automountServiceAccountToken: bool,
    imagePullSecrets: list(localObjectReference),
    secrets: list(objectReference, listKeys.serviceAccountSecrets),
  }),
  services: kind('services', { spec: serviceSpec, status: serviceStatus }),
};

export const schemaOf = ({ name }: Resource): Schema => schemas[name];
