import {
  anything,
  bool,
  int32,
  int64,
  list,
  map,
  oneOf,
  quantity,
  struct,
  text,
  texts,
  time,
} from './build.ts';
import { listKeys } from './lists.ts';
import { condition } from './metadata.ts';

const CORE = 'api.core.v1';

const taint = struct(
  `${CORE}.Taint`,
  {
    effect: oneOf(['NoSchedule'], ['PreferNoSchedule', 'NoExecute']),
    key: text,
    timeAdded: time,
    value: text,
  },
  { required: ['effect', 'key'] },
);

export const nodeSpec = struct(`${CORE}.NodeSpec`, {
  podCIDR: text,
  podCIDRs: list(text, listKeys.podCIDRs),
  providerID: text,
  taints: list(taint),
  unschedulable: bool,
});

const nodeInfo = struct(`${CORE}.NodeSystemInfo`, {
  architecture: text,
  bootID: text,
  containerRuntimeVersion: text,
  kernelVersion: text,
  kubeProxyVersion: text,
  kubeletVersion: text,
  machineID: text,
  operatingSystem: text,
  osImage: text,
  systemUUID: text,
});

export const nodeStatus = struct(`${CORE}.NodeStatus`, {
  addresses: list(struct(`${CORE}.NodeAddress`, { address: text, type: text }), listKeys.nodeAddresses),
  allocatable: map(quantity),
  capacity: map(quantity),
  conditions: condition(`${CORE}.NodeCondition`, { lastHeartbeatTime: time }),
  daemonEndpoints: struct(`${CORE}.NodeDaemonEndpoints`, {
    kubeletEndpoint: struct(`${CORE}.DaemonEndpoint`, { Port: int32 }),
  }),
  features: anything,
  images: list(struct(`${CORE}.ContainerImage`, { names: texts, sizeBytes: int64 })),
  nodeInfo,
  phase: text,
});
