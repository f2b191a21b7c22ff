// Fields without effect, and fields of Kubernetes that are refused by name; each under the struct that has it.

type Inert = {
  why: string;
  /** Kubernetes' own default: who has this has not asked for anything. */
  unless?: unknown;
};

/** Accepted, kept and shown, but without effect: a pod is a process of the user who runs the lab, on one machine. */
export const inertFields: Readonly<Record<string, Readonly<Record<string, Inert>>>> = {
  Container: {
    resources: { why: 'processes share the machine without limits' },
    securityContext: { why: 'processes run as the user who started the lab' },
  },
  EmptyDirVolumeSource: {
    medium: { why: 'it is a folder on disk', unless: '' },
    sizeLimit: { why: 'it is a folder on disk, without a quota' },
  },
  PodSpec: {
    imagePullSecrets: { why: 'nothing is pulled' },
    preemptionPolicy: { why: 'nobody makes room for others', unless: 'PreemptLowerPriority' },
    priority: { why: 'nobody makes room for others', unless: 0 },
    priorityClassName: { why: 'nobody makes room for others' },
    securityContext: { why: 'processes run as the user who started the lab' },
  },
  ServiceAccount: {
    imagePullSecrets: { why: 'nothing is pulled' },
    secrets: { why: 'tokens are not kept in Secrets' },
  },
  ServiceAccountTokenProjection: {
    expirationSeconds: { why: 'a token lives as long as the cluster', unless: 3600 },
  },
  VolumeMount: { readOnly: { why: 'a volume is a folder that its process may write to', unless: false } },
};

/** Labels and annotations that a cluster acts on and this one does not, by their prefix. */
export const inertLabels: Readonly<Record<string, string>> = {
  'pod-security.kubernetes.io/': 'accepted, not enforced: processes run as the user who started the lab',
};

/** Kubernetes has them, this provider does not. A field in neither table nor schema is an unknown one. */
export const unsupportedFields: Readonly<Record<string, readonly string[]>> = {
  Container: [
    'resizePolicy',
    'restartPolicy',
    'restartPolicyRules',
    'stdin',
    'stdinOnce',
    'tty',
    'volumeDevices',
    'workingDir',
  ],
  ContainerPort: ['hostIP', 'hostPort'],
  EndpointSlice: [],
  EnvVarSource: ['fileKeyRef', 'resourceFieldRef'],
  Lifecycle: ['postStart', 'stopSignal'],
  LifecycleHandler: ['tcpSocket'],
  NodeSpec: ['configSource', 'externalID'],
  PodSecurityContext: [
    'appArmorProfile',
    'seLinuxChangePolicy',
    'seLinuxOptions',
    'supplementalGroupsPolicy',
    'sysctls',
    'windowsOptions',
  ],
  PodSpec: [
    'activeDeadlineSeconds',
    'affinity',
    'dnsConfig',
    'ephemeralContainers',
    'hostAliases',
    'hostIPC',
    'hostNetwork',
    'hostPID',
    'hostUsers',
    'hostname',
    'hostnameOverride',
    'os',
    'overhead',
    'readinessGates',
    'resourceClaims',
    'resources',
    'runtimeClassName',
    'schedulingGates',
    'setHostnameAsFQDN',
    'shareProcessNamespace',
    'subdomain',
  ],
  PolicyRule: ['nonResourceURLs'],
  ResourceRequirements: ['claims'],
  SecurityContext: ['appArmorProfile', 'seLinuxOptions', 'windowsOptions'],
  ServiceAccountTokenProjection: ['audience'],
  ServicePort: ['nodePort'],
  ServiceSpec: [
    'allocateLoadBalancerNodePorts',
    'externalIPs',
    'externalName',
    'externalTrafficPolicy',
    'healthCheckNodePort',
    'loadBalancerClass',
    'loadBalancerIP',
    'loadBalancerSourceRanges',
    'sessionAffinityConfig',
  ],
  TopologySpreadConstraint: ['minDomains'],
  Volume: [
    'awsElasticBlockStore',
    'azureDisk',
    'azureFile',
    'cephfs',
    'cinder',
    'csi',
    'ephemeral',
    'fc',
    'flexVolume',
    'flocker',
    'gcePersistentDisk',
    'gitRepo',
    'glusterfs',
    'hostPath',
    'image',
    'iscsi',
    'nfs',
    'persistentVolumeClaim',
    'photonPersistentDisk',
    'portworxVolume',
    'quobyte',
    'rbd',
    'scaleIO',
    'storageos',
    'vsphereVolume',
  ],
  DownwardAPIVolumeFile: ['resourceFieldRef'],
  VolumeMount: ['mountPropagation', 'recursiveReadOnly', 'subPath', 'subPathExpr'],
  VolumeProjection: ['clusterTrustBundle', 'podCertificate'],
};
