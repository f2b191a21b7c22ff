import { bool, int32, int64, list, map, oneOf, quantity, struct, text, texts } from './build.ts';
import { listKeys } from './lists.ts';
import { lifecycle, probe } from './probe.ts';

const CORE = 'api.core.v1';

const keyOf = (id: string) =>
  struct(`${CORE}.${id}`, { key: text, name: text, optional: bool }, { atomic: true, required: ['key'] });

export const fieldRef = struct(
  `${CORE}.ObjectFieldSelector`,
  { apiVersion: text, fieldPath: text },
  { atomic: true, required: ['fieldPath'] },
);

const envVarSource = struct(`${CORE}.EnvVarSource`, {
  configMapKeyRef: keyOf('ConfigMapKeySelector'),
  fieldRef,
  secretKeyRef: keyOf('SecretKeySelector'),
});
const envVar = struct(
  `${CORE}.EnvVar`,
  { name: text, value: text, valueFrom: envVarSource },
  { required: ['name'] },
);
const envFromSource = struct(`${CORE}.EnvFromSource`, {
  configMapRef: struct(`${CORE}.ConfigMapEnvSource`, { name: text, optional: bool }),
  prefix: text,
  secretRef: struct(`${CORE}.SecretEnvSource`, { name: text, optional: bool }),
});

const containerPort = struct(
  `${CORE}.ContainerPort`,
  { containerPort: int32, name: text, protocol: oneOf(['TCP'], ['UDP', 'SCTP']) },
  { required: ['containerPort'] },
);

const volumeMount = struct(
  `${CORE}.VolumeMount`,
  { mountPath: text, name: text, readOnly: bool },
  { required: ['mountPath', 'name'] },
);

const resources = struct(`${CORE}.ResourceRequirements`, {
  limits: map(quantity),
  requests: map(quantity),
});

export const seccompProfile = struct(
  `${CORE}.SeccompProfile`,
  { localhostProfile: text, type: text },
  { required: ['type'] },
);

const securityContext = struct(`${CORE}.SecurityContext`, {
  allowPrivilegeEscalation: bool,
  capabilities: struct(`${CORE}.Capabilities`, { add: texts, drop: texts }),
  privileged: bool,
  procMount: text,
  readOnlyRootFilesystem: bool,
  runAsGroup: int64,
  runAsNonRoot: bool,
  runAsUser: int64,
  seccompProfile,
});

export const container = struct(
  `${CORE}.Container`,
  {
    args: texts,
    command: texts,
    env: list(envVar, listKeys.env),
    envFrom: list(envFromSource),
    image: text,
    imagePullPolicy: oneOf(['Always', 'IfNotPresent', 'Never']),
    lifecycle,
    livenessProbe: probe,
    name: text,
    ports: list(containerPort, listKeys.containerPorts),
    readinessProbe: probe,
    resources,
    securityContext,
    startupProbe: probe,
    terminationMessagePath: text,
    terminationMessagePolicy: oneOf(['File', 'FallbackToLogsOnError']),
    volumeMounts: list(volumeMount, listKeys.volumeMounts),
  },
  { required: ['name'] },
);
