// Sees everything in one run: pods and EndpointSlices by watch, clients and servers by their event streams.
import type { CoreV1Event, KubernetesListObject, V1EndpointSlice, V1Pod } from '@kubernetes/client-node';

import {
  type ClusterApi,
  INSTANCE_LABEL,
  isPodReady,
  NAME_LABEL,
  NAMESPACE,
  type PodProxy,
  RUN_LABEL,
  type Seen,
  watchObjects,
} from '../cluster/index.ts';
import { nowMs } from '../common/clock.ts';
import type { Endpoint, HistoryEvent, PodSeen } from '../history/index.ts';
import { type ClockSample, trackClocks } from './clock.ts';
import { fromPod, type RawEvent } from './from-pod.ts';
import { followPod } from './pod-stream.ts';

export type Recorder = {
  /** Adds what the driver itself did or saw. */
  note: (event: HistoryEvent) => void;
  /** Pods of an arm that are there now. */
  pods: (arm: string, app: string) => PodSeen[];
  /** The last answer to a watched name that this client has told of. */
  dnsAnswer: (client: string) => readonly string[];
  /** Calls for an arm that this client has told of so far. */
  callsFrom: (client: string, arm: string) => number;
  /** One restart of each of these pods' containers is asked for: it is no gap. Only what servers counted is lost with it. */
  expectRestarts: (pods: readonly string[]) => void;
  /** That nothing is heard of these pods is no gap, from now on or no more: they go on, and keep what they have to tell. */
  expectSilence: (pods: readonly string[], silent: boolean) => void;
  /** Stops watching, and puts everything on the driver's clock, in order. */
  finish: () => Promise<HistoryEvent[]>;
};

export type RecorderOptions = {
  run: string;
  /** Every event as it comes; its `atMs` is by the clock offset as known so far. */
  onEvent?: (event: HistoryEvent) => void;
  signal: AbortSignal;
};

/** Starts to record; what is there already has been told when this resolves. */
export async function startRecorder(
  api: ClusterApi,
  proxy: PodProxy,
  options: RecorderOptions,
): Promise<Recorder> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, options.signal]);
  const raw: RawEvent[] = [];
  const pods = new Map<string, PodSeen>();
  const streams = new Map<string, Promise<void>>();

  const calls = new Map<string, number>();
  const dnsAnswers = new Map<string, readonly string[]>();

  const add = (event: HistoryEvent, sourceMs?: number) => {
    if (event.type === 'dns') dnsAnswers.set(event.source, event.records);
    if (event.type === 'call') {
      const key = `${event.arm}@${event.source}`;
      calls.set(key, (calls.get(key) ?? 0) + 1);
    }
    const seen =
      sourceMs === undefined ? event : { ...event, sourceMs, atMs: sourceMs - clocks.offsetMs(event.source) };
    raw.push(sourceMs === undefined ? { event: seen } : { event: seen, sourceMs });
    options.onEvent?.(seen);
  };
  const gap = (reason: string, arm?: string) =>
    add({ type: 'gap', atMs: nowMs(), source: 'driver', reason, ...(arm === undefined ? {} : { arm }) });

  const restartsAsked = new Map<string, number>();
  const silences = new Map<string, AbortController>();
  /** Pods that were silenced, are not any more, and have told nothing since. */
  const unheard = new Set<string>();
  /** Container restarts before the first event. */
  const restartsBefore = new Map<string, number>();

  const isLeaving = (name: string): boolean => {
    const pod = pods.get(name);
    return !pod || pod.terminating || pod.deleted;
  };
  const clocks = trackClocks(proxy, { isLeaving, onGap: gap, signal });
  const follow = async (pod: PodSeen) => {
    const tracked = clocks.track(pod.pod);
    await followPod(proxy, {
      pod: pod.pod,
      onLine: (line) => {
        unheard.delete(pod.pod);
        const told = fromPod(line, pod.pod, pod.arm);
        if (told) add(told.event, told.sourceMs);
      },
      onGap: (reason) => gap(reason, pod.arm),
      isLeaving: () => isLeaving(pod.pod),
      restartsAsked: () => restartsAsked.get(pod.pod) ?? 0,
      silence: () => silences.get(pod.pod)?.signal,
      signal,
    });
    await tracked;
  };

  const onPod = ({ object, deleted, atMs }: Seen<V1Pod>) => {
    const seen = podSeen(object, deleted, atMs);
    const before = pods.get(seen.pod);
    if (!before) restartsBefore.set(seen.pod, seen.restarts);
    const asked = (restartsBefore.get(seen.pod) ?? 0) + (restartsAsked.get(seen.pod) ?? 0);
    if (before && seen.restarts > Math.max(before.restarts, asked))
      gap(`the container of ${seen.pod} was restarted`, seen.arm);
    pods.set(seen.pod, seen);
    add(seen);
    // Before it is Ready its control endpoint may not listen yet.
    if (seen.ready && !streams.has(seen.pod)) streams.set(seen.pod, follow(seen));
  };
  // Events have no labels: those are the run's that are about its pods.
  const onClusterEvent = ({ object, deleted, atMs }: Seen<CoreV1Event>) => {
    const pod = pods.get(object.involvedObject.name ?? '');
    if (deleted || pod === undefined || object.involvedObject.kind !== 'Pod') return;
    add({
      type: 'cluster-event',
      atMs,
      source: 'driver',
      arm: pod.arm,
      pod: pod.pod,
      severity: object.type ?? 'Normal',
      reason: object.reason ?? '',
      message: object.message ?? '',
      count: object.count ?? 1,
    });
  };
  const watched = await Promise.all([
    watchObjects(api, podWatch(api, options.run, onPod, gap), signal),
    watchObjects(
      api,
      sliceWatch(api, options.run, (seen) => add(endpointsSeen(seen)), gap),
      signal,
    ),
  ]);
  // When the pods that they are about are known.
  watched.push(await watchObjects(api, eventWatch(api, onClusterEvent), signal));

  return {
    note: (event) => add(event),
    pods: (arm, app) =>
      [...pods.values()].filter((pod) => pod.arm === arm && pod.app === app && !pod.deleted),
    dnsAnswer: (client) => dnsAnswers.get(client) ?? [],
    expectRestarts: (names) => {
      for (const name of names) restartsAsked.set(name, (restartsAsked.get(name) ?? 0) + 1);
    },
    expectSilence: (names, silent) => {
      for (const name of names) {
        if (silent) {
          silences.set(name, new AbortController());
          continue;
        }
        silences.get(name)?.abort();
        if (silences.delete(name)) unheard.add(name);
      }
    },
    callsFrom: (client, arm) => calls.get(`${arm}@${client}`) ?? 0,
    finish: async () => {
      for (const pod of unheard)
        if (!isLeaving(pod)) gap(`${pod} was not heard of again`, pods.get(pod)?.arm);
      stop.abort();
      await Promise.all([...streams.values(), ...watched.map(({ stopped }) => stopped)]);
      for (const [source, { offsetMs, errorMs }] of clocks.best()) {
        add({ type: 'clock', source, atMs: nowMs(), offsetMs, errorMs });
      }
      return raw.map((each) => onDriversClock(each, clocks.best())).sort((a, b) => a.atMs - b.atMs);
    },
  };
}

function onDriversClock(
  { event, sourceMs }: RawEvent,
  clocks: ReadonlyMap<string, ClockSample>,
): HistoryEvent {
  if (sourceMs === undefined) return event;
  return { ...event, sourceMs, atMs: sourceMs - (clocks.get(event.source)?.offsetMs ?? 0) };
}

type Gap = (reason: string) => void;

const podWatch = (api: ClusterApi, run: string, onSeen: (seen: Seen<V1Pod>) => void, onGap: Gap) => {
  const labelSelector = `${RUN_LABEL}=${run}`;
  return {
    path: `/api/v1/namespaces/${NAMESPACE}/pods`,
    labelSelector,
    list: () =>
      api.core.listNamespacedPod({ namespace: NAMESPACE, labelSelector }) as Promise<
        KubernetesListObject<V1Pod>
      >,
    onSeen,
    onGap,
  };
};

/** The EndpointSlice controller gives a Service's labels to its slices. */
const sliceWatch = (
  api: ClusterApi,
  run: string,
  onSeen: (seen: Seen<V1EndpointSlice>) => void,
  onGap: Gap,
) => {
  const labelSelector = `${RUN_LABEL}=${run}`;
  return {
    path: `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`,
    labelSelector,
    list: () =>
      api.discovery.listNamespacedEndpointSlice({ namespace: NAMESPACE, labelSelector }) as Promise<
        KubernetesListObject<V1EndpointSlice>
      >,
    onSeen,
    onGap,
  };
};

/** Kubernetes promises nothing of Events: that some are missed is no gap. */
const eventWatch = (api: ClusterApi, onSeen: (seen: Seen<CoreV1Event>) => void) => ({
  path: `/api/v1/namespaces/${NAMESPACE}/events`,
  list: () =>
    api.core.listNamespacedEvent({ namespace: NAMESPACE }) as Promise<KubernetesListObject<CoreV1Event>>,
  onSeen,
  onGap: () => {},
});

function podSeen(pod: V1Pod, deleted: boolean, atMs: number): PodSeen {
  const { metadata, spec, status } = pod;
  return {
    type: 'pod',
    atMs,
    source: 'driver',
    arm: metadata?.labels?.[INSTANCE_LABEL] ?? '',
    app: metadata?.labels?.[NAME_LABEL] ?? '',
    pod: metadata?.name ?? '',
    ...(spec?.nodeName ? { node: spec.nodeName } : {}),
    ...(status?.podIP ? { ip: status.podIP } : {}),
    phase: status?.phase ?? 'Unknown',
    ready: isPodReady(pod),
    terminating: metadata?.deletionTimestamp !== undefined,
    deleted,
    restarts: (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
  };
}

function endpointsSeen({ object, deleted, atMs }: Seen<V1EndpointSlice>): HistoryEvent {
  const labels = object.metadata?.labels ?? {};
  const endpoints: Endpoint[] = (deleted ? [] : (object.endpoints ?? [])).flatMap(
    ({ addresses, conditions, targetRef, nodeName, zone }) =>
      addresses.map((ip) => ({
        ip,
        ...(targetRef?.name ? { pod: targetRef.name } : {}),
        ...(nodeName ? { node: nodeName } : {}),
        ...(zone ? { zone } : {}),
        // Source: discovery/v1 EndpointConditions: an absent condition counts as true, but for terminating.
        ready: conditions?.ready ?? true,
        serving: conditions?.serving ?? conditions?.ready ?? true,
        terminating: conditions?.terminating ?? false,
      })),
  );
  return {
    type: 'endpoints',
    atMs,
    source: 'driver',
    arm: labels[INSTANCE_LABEL] ?? '',
    service: labels['kubernetes.io/service-name'] ?? '',
    slice: object.metadata?.name ?? '',
    endpoints,
  };
}
