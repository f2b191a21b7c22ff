import { bool, int32, int64, list, map, oneOf, struct, text, texts } from './build.ts';
import { container, seccompProfile } from './container.ts';
import { listKeys } from './lists.ts';
import { labelSelector, localObjectReference, objectMeta } from './metadata.ts';
import { volumes } from './volume.ts';

const CORE = 'api.core.v1';

const toleration = struct(`${CORE}.Toleration`, {
  effect: text,
  key: text,
  operator: oneOf(['Exists', 'Equal']),
  tolerationSeconds: int64,
  value: text,
});

const topologySpreadConstraint = struct(
  `${CORE}.TopologySpreadConstraint`,
  {
    labelSelector,
    matchLabelKeys: texts,
    maxSkew: int32,
    nodeAffinityPolicy: oneOf(['Honor', 'Ignore']),
    nodeTaintsPolicy: oneOf(['Honor', 'Ignore']),
    topologyKey: text,
    whenUnsatisfiable: oneOf(['DoNotSchedule', 'ScheduleAnyway']),
  },
  { required: ['maxSkew', 'topologyKey', 'whenUnsatisfiable'] },
);

const podSecurityContext = struct(`${CORE}.PodSecurityContext`, {
  fsGroup: int64,
  fsGroupChangePolicy: text,
  runAsGroup: int64,
  runAsNonRoot: bool,
  runAsUser: int64,
  seccompProfile,
  supplementalGroups: list(int64),
});

export const podSpec = struct(
  `${CORE}.PodSpec`,
  {
    automountServiceAccountToken: bool,
    containers: list(container, listKeys.containers),
    dnsPolicy: oneOf(['ClusterFirst'], ['ClusterFirstWithHostNet', 'Default', 'None']),
    enableServiceLinks: bool,
    imagePullSecrets: list(localObjectReference, listKeys.imagePullSecrets),
    initContainers: list(container, listKeys.containers),
    nodeName: text,
    nodeSelector: map(text, { atomic: true }),
    preemptionPolicy: text,
    priority: int32,
    priorityClassName: text,
    restartPolicy: oneOf(['Always', 'OnFailure', 'Never']),
    schedulerName: oneOf(['default-scheduler']),
    securityContext: podSecurityContext,
    serviceAccount: text,
    serviceAccountName: text,
    terminationGracePeriodSeconds: int64,
    tolerations: list(toleration),
    topologySpreadConstraints: list(topologySpreadConstraint, listKeys.topologySpreadConstraints),
    volumes,
  },
  { required: ['containers'] },
);

export const podTemplateSpec = struct(`${CORE}.PodTemplateSpec`, { metadata: objectMeta, spec: podSpec });
