// A pod's status from its containers', as the kubelet makes it.
import type { V1ContainerStatus, V1PodCondition } from '@kubernetes/client-node';
import type { Plain } from '../../../common/plain.ts';
import type { Pod } from '../objects.ts';
import { wireTime } from '../store.ts';

export type ContainerStatus = Plain<V1ContainerStatus>;
type Condition = Plain<V1PodCondition>;
type Status = NonNullable<Pod['status']>;

export type PodView = {
  podIP: string;
  hostIP: string;
  startTime: string;
  /** Its network and volumes are there. */
  hasSandbox: boolean;
  init: ContainerStatus[];
  containers: ContainerStatus[];
  /** It will never run again: deleted, or at its end. */
  isTerminal: boolean;
};

export function podStatus(pod: Pod, view: PodView): Status {
  const { podIP, hostIP, startTime, init, containers } = view;
  const phase = phaseOf(pod, view);
  const ip = view.hasSandbox ? { podIP, podIPs: [{ ip: podIP }] } : {};
  return {
    ...pod.status,
    observedGeneration: pod.metadata.generation ?? 1,
    phase,
    conditions: conditionsOf(pod, view, phase),
    ...(hostIP ? { hostIP, hostIPs: [{ ip: hostIP }] } : {}),
    ...ip,
    startTime,
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    containerStatuses: containers,
  };
}

/** Of a container's last word: one that waits to be started again has stopped. */
const stoppedWith = ({ state, lastState }: ContainerStatus): number | undefined =>
  (state?.terminated ?? (state?.waiting ? lastState?.terminated : undefined))?.exitCode;

function phaseOf(pod: Pod, { init, containers, isTerminal }: PodView): string {
  const restarts = pod.spec?.restartPolicy ?? 'Always';
  const initFailed = init.some((status) => (status.state?.terminated?.exitCode ?? 0) !== 0);
  if (initFailed && restarts === 'Never') return 'Failed';
  const exits = containers.map(stoppedWith);
  const isRunning = containers.some(({ state }) => state?.running);
  const allStopped = exits.every((exit) => exit !== undefined);
  const wellDone = exits.every((exit) => exit === 0);
  if (isTerminal && !isRunning) return allStopped && wellDone ? 'Succeeded' : 'Failed';
  const initDone = init.every((status) => status.state?.terminated?.exitCode === 0);
  const isWaiting = containers.some(({ state, lastState }) => state?.waiting && !lastState?.terminated);
  if (!initDone || isWaiting) return 'Pending';
  if (isRunning || restarts === 'Always') return 'Running';
  if (wellDone) return 'Succeeded';
  return restarts === 'Never' ? 'Failed' : 'Running';
}

type Verdict = { isTrue: boolean; reason?: string; message?: string };

function conditionsOf(pod: Pod, view: PodView, phase: string): Condition[] {
  const now = wireTime(new Date());
  const before = pod.status?.conditions ?? [];
  const unready = unreadyText(view.containers);
  const ended = phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : undefined;
  const containersReady: Verdict = ended
    ? { isTrue: false, reason: ended }
    : unready
      ? { isTrue: false, reason: 'ContainersNotReady', message: unready }
      : { isTrue: true };
  const own: Record<string, Verdict> = {
    PodReadyToStartContainers: { isTrue: view.hasSandbox && !view.isTerminal },
    Initialized: initialized(view, phase),
    Ready: containersReady,
    ContainersReady: containersReady,
    PodScheduled: { isTrue: true },
  };
  const made = Object.entries(own).map(([type, { isTrue, reason, message }]): Condition => {
    const status = isTrue ? 'True' : 'False';
    const earlier = before.find((condition) => condition.type === type);
    const changed = earlier?.status !== status;
    return {
      type,
      ...(pod.metadata.generation ? { observedGeneration: pod.metadata.generation } : {}),
      status,
      ...(reason ? { reason } : {}),
      ...(message ? { message } : {}),
      // The API has null for times that nobody keeps.
      lastProbeTime: null as unknown as string,
      lastTransitionTime: changed ? now : (earlier?.lastTransitionTime ?? now),
    };
  });
  return [...made, ...before.filter(({ type }) => !Object.hasOwn(own, type))];
}

function initialized({ init }: PodView, phase: string): Verdict {
  if (phase === 'Succeeded') return { isTrue: true, reason: 'PodCompleted' };
  const left = init.filter((status) => status.state?.terminated?.exitCode !== 0).map(({ name }) => name);
  return left.length === 0
    ? { isTrue: true }
    : {
        isTrue: false,
        reason: 'ContainersNotInitialized',
        message: `containers with incomplete status: [${left.join(' ')}]`,
      };
}

function unreadyText(containers: readonly ContainerStatus[]): string | undefined {
  const unready = containers.filter(({ ready }) => !ready).map(({ name }) => name);
  return unready.length > 0 ? `containers with unready status: [${unready.join(' ')}]` : undefined;
}
