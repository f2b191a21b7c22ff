// STATUS and RESTARTS of a pod, by the rules of `kubectl get pods`.
import type { Pod } from '../../objects.ts';
import { ageOf } from './duration.ts';

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

export function podCells(pod: Pod, nowMs: number): unknown[] {
  const { spec, status, metadata } = pod;
  const { reason, ready, restarts, lastRestart } = summary(pod);
  const since = restarts && lastRestart ? `${restarts} (${ageOf(lastRestart, nowMs)} ago)` : `${restarts}`;
  return [
    metadata.name,
    `${ready}/${spec?.containers.length ?? 0}`,
    reason,
    since,
    ageOf(metadata.creationTimestamp, nowMs),
    status?.podIP || '<none>',
    spec?.nodeName || '<none>',
    status?.nominatedNodeName || '<none>',
    '<none>',
  ];
}

type Summary = { reason: string; ready: number; restarts: number; lastRestart: string };

function summary({ spec, status, metadata }: Pod): Summary {
  const phase = status?.phase ?? '';
  const conditions = status?.conditions ?? [];
  const isTrue = (type: string) => conditions.some((it) => it.type === type && it.status === 'True');
  const initReason = initializing(status?.initContainerStatuses ?? [], spec?.initContainers?.length ?? 0);
  const statuses = status?.containerStatuses ?? [];
  const inits = status?.initContainerStatuses ?? [];
  const isInitialized = initReason === undefined || isTrue('Initialized');

  let reason = status?.reason || phase;
  if (!isInitialized) reason = initReason ?? reason;
  let ready = 0;
  if (isInitialized) {
    // From the last to the first: the first container's word counts.
    for (const container of statuses.toReversed()) {
      const said = stateReason(container);
      if (said !== undefined) reason = said;
      else if (container.ready && container.state?.running) ready += 1;
    }
    if (reason === 'Completed' && ready) reason = isTrue('Ready') ? 'Running' : 'NotReady';
  }
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  if (metadata.deletionTimestamp && status?.reason === 'NodeLost') reason = 'Unknown';
  else if (metadata.deletionTimestamp && !isOver) reason = 'Terminating';

  const counted = isInitialized ? statuses : inits;
  const times = counted.map(({ lastState }) => lastState?.terminated?.finishedAt ?? '');
  return {
    reason,
    ready,
    restarts: counted.reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0),
    lastRestart: times.sort().at(-1) ?? '',
  };
}

/** What a container that does not run says; undefined when it runs. */
function stateReason({ state }: ContainerStatus): string | undefined {
  if (state?.waiting?.reason) return state.waiting.reason;
  if (!state?.terminated) return undefined;
  const { reason, signal, exitCode } = state.terminated;
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

/** Why the pod is still in its init containers; undefined when they are done. */
function initializing(statuses: readonly ContainerStatus[], count: number): string | undefined {
  const index = statuses.findIndex(({ state }) => state?.terminated?.exitCode !== 0);
  const current = statuses[index];
  if (!current) return undefined;
  const reason = stateReason(current);
  if (reason === undefined || reason === 'PodInitializing') return `Init:${index}/${count}`;
  return `Init:${reason}`;
}
