import { bool, int32, int64, intOrString, oneOf, struct, time } from './build.ts';
import { condition, labelSelector } from './metadata.ts';
import { podTemplateSpec } from './pod.ts';

const APPS = 'api.apps.v1';

const deploymentStrategy = struct(
  `${APPS}.DeploymentStrategy`,
  {
    rollingUpdate: struct(`${APPS}.RollingUpdateDeployment`, {
      maxSurge: intOrString,
      maxUnavailable: intOrString,
    }),
    type: oneOf(['Recreate', 'RollingUpdate']),
  },
  { extensions: { 'x-kubernetes-patch-strategy': 'retainKeys' } },
);

export const deploymentSpec = struct(
  `${APPS}.DeploymentSpec`,
  {
    minReadySeconds: int32,
    paused: bool,
    progressDeadlineSeconds: int32,
    replicas: int32,
    revisionHistoryLimit: int32,
    selector: labelSelector,
    strategy: deploymentStrategy,
    template: podTemplateSpec,
  },
  { required: ['selector', 'template'] },
);

export const deploymentStatus = struct(`${APPS}.DeploymentStatus`, {
  availableReplicas: int32,
  collisionCount: int32,
  conditions: condition(`${APPS}.DeploymentCondition`, { lastUpdateTime: time }),
  observedGeneration: int64,
  readyReplicas: int32,
  replicas: int32,
  terminatingReplicas: int32,
  unavailableReplicas: int32,
  updatedReplicas: int32,
});

export const replicaSetSpec = struct(
  `${APPS}.ReplicaSetSpec`,
  { minReadySeconds: int32, replicas: int32, selector: labelSelector, template: podTemplateSpec },
  { required: ['selector'] },
);

export const replicaSetStatus = struct(`${APPS}.ReplicaSetStatus`, {
  availableReplicas: int32,
  conditions: condition(`${APPS}.ReplicaSetCondition`),
  fullyLabeledReplicas: int32,
  observedGeneration: int64,
  readyReplicas: int32,
  replicas: int32,
  terminatingReplicas: int32,
});
