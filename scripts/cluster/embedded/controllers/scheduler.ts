// Gives each pod a node: one that may have it, and of those the one where it spreads best.
import { randomInt } from 'node:crypto';
import { createRecorder } from '../events.ts';
import { hasEnded, type Node, type Pod } from '../objects.ts';
import { type Store, wireTime } from '../store.ts';
import { controllerOf, keyOf } from './objects.ts';
import { createQueue, type Log, type Running } from './queue.ts';
import { type Refusal, refusalOf } from './scheduler/filter.ts';
import { spreadOf } from './scheduler/spread.ts';

type Condition = NonNullable<NonNullable<Pod['status']>['conditions']>[number];

/** All pods that wait are one piece of work: each is placed in view of those before it. */
const ALL = 'pods';

export function startScheduler(store: Store, log: Log): Running {
  const record = createRecorder(store, 'default-scheduler');
  const queue = createQueue('scheduler', placeAll, log);
  const waiting = new Set<string>();
  /** Of those that wait: what has fitted nowhere, and would not now. */
  const stuck = new Set<string>();

  function placeAll(): void {
    if (waiting.size === stuck.size) return;
    const nodes = store.list('nodes');
    const placed = new Map<string, Pod[]>(nodes.map(({ metadata }) => [metadata.name, []]));
    const pending: Pod[] = [];
    for (const pod of store.list('pods')) {
      if (stuck.has(keyOf(pod))) continue;
      if (waiting.has(keyOf(pod))) pending.push(pod);
      else if (!hasEnded(pod)) placed.get(pod.spec?.nodeName ?? '')?.push(pod);
    }
    pending.sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
    for (const pod of pending) {
      const node = place(pod, nodes, placed);
      if (node) placed.get(node)?.push(pod);
    }
  }

  /** @returns the node that it got. */
  function place(
    pod: Pod,
    nodes: readonly Node[],
    placed: ReadonlyMap<string, readonly Pod[]>,
  ): string | undefined {
    const spread = spreadOf(pod, nodes, placed);
    const refusals: Refusal[] = [];
    const fitting: Node[] = [];
    for (const node of nodes) {
      const there = placed.get(node.metadata.name)?.length ?? 0;
      const refusal = refusalOf(pod, node, there) ?? spread.refusalOf(node);
      if (refusal) refusals.push(refusal);
      else fitting.push(node);
    }
    const best = fitting
      .map((node) => ({
        name: node.metadata.name,
        rank: rankOf(pod, placed.get(node.metadata.name) ?? []),
        crowding: spread.crowdingOf(node),
      }))
      .sort((a, b) => a.crowding - b.crowding || a.rank - b.rank)[0];
    if (!best) {
      stuck.add(keyOf(pod));
      setUnschedulable(pod, messageOf(refusals));
      return undefined;
    }
    const { namespace = '', name } = pod.metadata;
    store.update('pods', namespace, name, (before) => ({
      ...before,
      spec: { ...before.spec, containers: before.spec?.containers ?? [], nodeName: best.name },
      status: withCondition(before, { type: 'PodScheduled', status: 'True' }),
    }));
    record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${best.name}`);
    return best.name;
  }

  function setUnschedulable(pod: Pod, message: string): void {
    const known = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (known?.message === message) return;
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
    store.update('pods', pod.metadata.namespace ?? '', pod.metadata.name, (before) => ({
      ...before,
      status: withCondition(before, condition),
    }));
    record(pod, 'Warning', 'FailedScheduling', message);
  }

  const unlisten = store.listen(({ type, resource, object, before }) => {
    if (resource === 'nodes') {
      retryAll();
      return;
    }
    if (resource !== 'pods') return;
    const pod = object as Pod;
    const key = keyOf(pod);
    if (type !== 'DELETED' && mustWait(pod)) waiting.add(key);
    else waiting.delete(key);
    if (type === 'MODIFIED' && before && isSameToOthers(pod, before as Pod)) return;
    stuck.delete(key);
    // A pod without a node makes no room, and takes none.
    if (pod.spec?.nodeName) retryAll();
    else if (waiting.has(key)) queue.add(ALL);
  });
  function retryAll(): void {
    stuck.clear();
    if (waiting.size > 0) queue.add(ALL);
  }
  for (const pod of store.list('pods')) if (mustWait(pod)) waiting.add(keyOf(pod));
  queue.add(ALL);

  return {
    stop(): void {
      unlisten();
      queue.stop();
    },
  };
}

const mustWait = (pod: Pod): boolean =>
  !pod.spec?.nodeName && !pod.metadata.deletionTimestamp && !hasEnded(pod);

/** Nothing of what decides where it goes, or how much room it leaves. */
const isSameToOthers = (pod: Pod, before: Pod): boolean =>
  pod.spec === before.spec &&
  pod.metadata.labels === before.metadata.labels &&
  pod.metadata.deletionTimestamp === before.metadata.deletionTimestamp &&
  hasEnded(pod) === hasEnded(before);

/** Fewest of the same owner, then fewest at all; among equals, chance. */
function rankOf(pod: Pod, there: readonly Pod[]): number {
  const owner = controllerOf(pod)?.uid;
  const siblings = owner
    ? there.filter((other) => controllerOf(other)?.uid === owner && !other.metadata.deletionTimestamp).length
    : 0;
  return siblings * 1e6 + there.length + randomInt(1000) / 1000;
}

function withCondition({ status }: Pod, condition: Condition): NonNullable<Pod['status']> {
  const { type } = condition;
  const before = status?.conditions?.find((known) => known.type === type);
  const others = (status?.conditions ?? []).filter((known) => known.type !== type);
  const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
  const now = { ...condition, lastTransitionTime: since ?? wireTime(new Date()) };
  return { ...status, conditions: [...others, now] };
}

/** In the scheduler's own words: how many nodes, and why not, reason by reason. */
function messageOf(refusals: readonly Refusal[]): string {
  if (refusals.length === 0) return 'no nodes available to schedule pods';
  const none = `0/${refusals.length} nodes are available:`;
  const reasons = tally(refusals.map(({ reason }) => reason));
  const preemption = tally(
    refusals.map(({ final }) =>
      final ? 'Preemption is not helpful for scheduling' : 'No preemption victims found for incoming pod',
    ),
  );
  return `${none} ${reasons}. no new claims to deallocate, preemption: ${none} ${preemption}.`;
}

const tally = (reasons: readonly string[]): string =>
  [...Map.groupBy(reasons, (reason) => reason)]
    .map(([reason, all]) => `${all.length} ${reason}`)
    .sort()
    .join(', ');
