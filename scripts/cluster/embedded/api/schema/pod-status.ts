// All that Kubernetes' own status has: a status is written by the cluster, and sent back whole by kubectl.
import { anything, bool, int32, int64, list, struct, text, time } from './build.ts';
import { listKeys } from './lists.ts';
import { condition } from './metadata.ts';

const CORE = 'api.core.v1';

const containerState = struct(`${CORE}.ContainerState`, {
  running: struct(`${CORE}.ContainerStateRunning`, { startedAt: time }),
  terminated: struct(`${CORE}.ContainerStateTerminated`, {
    containerID: text,
    exitCode: int32,
    finishedAt: time,
    message: text,
    reason: text,
    signal: int32,
    startedAt: time,
  }),
  waiting: struct(`${CORE}.ContainerStateWaiting`, { message: text, reason: text }),
});

const volumeMountStatus = struct(`${CORE}.VolumeMountStatus`, {
  mountPath: text,
  name: text,
  readOnly: bool,
  recursiveReadOnly: text,
});

const containerStatuses = list(
  struct(`${CORE}.ContainerStatus`, {
    allocatedResources: anything,
    containerID: text,
    image: text,
    imageID: text,
    lastState: containerState,
    name: text,
    ready: bool,
    resources: anything,
    restartCount: int32,
    started: bool,
    state: containerState,
    stopSignal: text,
    user: anything,
    volumeMounts: list(volumeMountStatus),
  }),
);

export const podStatus = struct(`${CORE}.PodStatus`, {
  conditions: condition(`${CORE}.PodCondition`, { lastProbeTime: time, observedGeneration: int64 }),
  containerStatuses,
  hostIP: text,
  hostIPs: list(struct(`${CORE}.HostIP`, { ip: text }), listKeys.hostIPs),
  initContainerStatuses: containerStatuses,
  message: text,
  nominatedNodeName: text,
  observedGeneration: int64,
  phase: text,
  podIP: text,
  podIPs: list(struct(`${CORE}.PodIP`, { ip: text }), listKeys.podIPs),
  qosClass: text,
  reason: text,
  startTime: time,
});
