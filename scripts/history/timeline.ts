// What happened to each pod that a change brought or took, step by step, counted from the moment it was asked for.
import { callsOf, clientsOf, startedMs } from './calls.ts';
import { findEven } from './even.ts';
import { eventsOf, type History } from './events.ts';
import {
  changeAskedMs,
  leavingAtMs,
  leavingPodsOf,
  newPodsOf,
  ownerOf,
  type PodLife,
  podsOf,
  SERVER_APP,
  settledMs,
} from './pods.ts';
import { serverArmOf } from './server-arm.ts';

/** When the first client got there and when the slowest did; no slowest while one has not. */
type FirstAndSlowest = { firstMs: number | undefined; slowestMs: number | undefined };

type ClientSteps = {
  client: string;
  /** Its resolver was done for the first time with an answer that had the pod. */
  resolvedMs: number | undefined;
  /** Its first call that the pod answered with OK was started. */
  firstCallMs: number | undefined;
};

/** A new pod's way to its first call. Undefined is what did not happen, or was not watched. */
type NewPodSteps = {
  pod: string;
  node: string | undefined;
  readyMs: number | undefined;
  /** It was ready in an EndpointSlice. */
  inEndpointSliceMs: number | undefined;
  /** Its address was in a client's DNS answer; never so for a ClusterIP. */
  inDnsMs: number | undefined;
  resolved: FirstAndSlowest;
  firstCall: FirstAndSlowest;
  clients: ClientSteps[];
};

export type ScaleOutTimeline = {
  /** When the change was asked for: all other times count from here. */
  askedAtMs: number;
  pods: NewPodSteps[];
  /** Shares were seen to be even among all pods that were Ready. */
  evenMs: number | undefined;
};

/** The steps of every new pod; undefined when nothing was changed. */
export function scaleOutTimeline(history: History, arm: string): ScaleOutTimeline | undefined {
  const askedAtMs = changeAskedMs(history, arm);
  if (askedAtMs === undefined) return undefined;
  const sinceAsked = (atMs: number | undefined) => (atMs === undefined ? undefined : atMs - askedAtMs);

  const clients = clientsOf(history, arm);
  const resolutions = resolutionsByClient(history, arm);
  const firstCalls = firstCallsByClient(history, arm);

  const pods = newPodsOf(history, arm).map((pod): NewPodSteps => {
    const inEndpointSliceMs = listedInSlices(history, arm, pod).inMs;
    const inDnsMs = listedInDns(history, arm, pod).inMs;
    const knowableMs = inDnsMs ?? inEndpointSliceMs ?? pod.readyAtMs;
    const steps = clients.map((client): ClientSteps => {
      const firstCallMs = firstCalls.get(client)?.get(pod.pod);
      const sincePod = (resolutions.get(client) ?? []).filter((atMs) => atMs >= pod.firstSeenMs);
      const resolvedMs = resolvedWithPod(sincePod, knowableMs, firstCallMs);
      return { client, resolvedMs: sinceAsked(resolvedMs), firstCallMs: sinceAsked(firstCallMs) };
    });
    return {
      pod: pod.pod,
      node: pod.node,
      readyMs: sinceAsked(pod.readyAtMs),
      inEndpointSliceMs: sinceAsked(inEndpointSliceMs),
      inDnsMs: sinceAsked(inDnsMs),
      resolved: firstAndSlowest(steps.map((step) => step.resolvedMs)),
      firstCall: firstAndSlowest(steps.map((step) => step.firstCallMs)),
      clients: steps,
    };
  });

  return { askedAtMs, pods, evenMs: sinceAsked(evenAtMs(history, arm)) };
}

/** How long a client took to call a new pod that was Ready; undefined when it never did. */
export type FirstCallWait = { pod: string; client: string; readyAtMs: number; waitMs: number | undefined };

/** Every client's wait for every new pod that became Ready. */
export const firstCallWaits = ({ askedAtMs, pods }: ScaleOutTimeline): FirstCallWait[] =>
  pods.flatMap(({ pod, readyMs, clients }) =>
    readyMs === undefined
      ? []
      : clients.map(({ client, firstCallMs }) => ({
          pod,
          client,
          readyAtMs: askedAtMs + readyMs,
          waitMs: firstCallMs === undefined ? undefined : firstCallMs - readyMs,
        })),
  );

/** The longest wait that had an end. */
export function slowestWait(
  waits: readonly FirstCallWait[],
): (FirstCallWait & { waitMs: number }) | undefined {
  const ended = waits.flatMap(({ waitMs, ...wait }) => (waitMs === undefined ? [] : [{ ...wait, waitMs }]));
  return ended.sort((a, b) => b.waitMs - a.waitMs)[0];
}

/** A leaving pod's way out. Undefined is what did not happen, or was not watched. */
type LeavingPodSteps = {
  pod: string;
  node: string | undefined;
  terminatingMs: number | undefined;
  /** No EndpointSlice had it as ready any more. */
  outOfEndpointSliceMs: number | undefined;
  /** No client's DNS answer had its address any more. */
  outOfDnsMs: number | undefined;
  /** The last call that it answered was started. */
  lastCallMs: number | undefined;
  goneMs: number | undefined;
};

export type ScaleInTimeline = {
  /** When the change was asked for: all other times count from here. */
  askedAtMs: number;
  pods: LeavingPodSteps[];
  /** Shares were seen to be even among the pods that stayed. */
  evenMs: number | undefined;
};

/** The steps of every pod that left; undefined when nothing was changed. */
export function scaleInTimeline(history: History, arm: string): ScaleInTimeline | undefined {
  const askedAtMs = changeAskedMs(history, arm);
  if (askedAtMs === undefined) return undefined;
  const sinceAsked = (atMs: number | undefined) => (atMs === undefined ? undefined : atMs - askedAtMs);

  const lastCalls = new Map<string, number>();
  for (const call of callsOf(history, arm)) {
    if (call.pod === undefined) continue;
    lastCalls.set(call.pod, Math.max(startedMs(call), lastCalls.get(call.pod) ?? Number.NEGATIVE_INFINITY));
  }
  const pods = leavingPodsOf(history, arm).map(
    (pod): LeavingPodSteps => ({
      pod: pod.pod,
      node: pod.node,
      terminatingMs: sinceAsked(leavingAtMs(pod)),
      outOfEndpointSliceMs: sinceAsked(listedInSlices(history, arm, pod).outMs),
      outOfDnsMs: sinceAsked(listedInDns(history, arm, pod).outMs),
      lastCallMs: sinceAsked(lastCalls.get(pod.pod)),
      goneMs: sinceAsked(pod.goneAtMs),
    }),
  );
  return { askedAtMs, pods, evenMs: sinceAsked(evenAtMs(history, arm)) };
}

/** When shares were seen to be even after the pods had come or gone. */
function evenAtMs(history: History, arm: string): number | undefined {
  const afterMs = settledMs(history, arm);
  if (afterMs === undefined) return undefined;
  const evenness = findEven(history, arm, { afterMs });
  return evenness.kind === 'even' ? evenness.atMs : undefined;
}

type Sighting = { atMs: number; list: string; listed: boolean };

/** When a pod was first on any list, and when it was on none of them any more. */
function listing(sightings: readonly Sighting[]): { inMs: number | undefined; outMs: number | undefined } {
  const lists = new Set<string>();
  let inMs: number | undefined;
  let outMs: number | undefined;
  for (const { atMs, list, listed } of sightings.toSorted((a, b) => a.atMs - b.atMs)) {
    if (listed) {
      lists.add(list);
      inMs ??= atMs;
      outMs = undefined;
    } else if (lists.delete(list) && lists.size === 0) {
      outMs = atMs;
    }
  }
  return { inMs, outMs };
}

/** A Service's endpoints are spread over slices, and may move from one to another. */
function listedInSlices(history: History, arm: string, life: PodLife) {
  const serverArm = serverArmOf(history, arm);
  const sightings = eventsOf(history, 'endpoints')
    .filter((seen) => seen.arm === serverArm)
    .map(({ atMs, service, slice, endpoints }) => ({
      atMs,
      list: `${service}/${slice}`,
      listed: endpoints.some(
        ({ pod, ip, ready }) => ready && (pod === undefined ? ip === life.ip : pod === life.pod),
      ),
    }));
  return listing(sightings);
}

function listedInDns(history: History, arm: string, { pod, ip }: PodLife) {
  if (ip === undefined) return listing([]);
  const pods = podsOf(history, arm, SERVER_APP);
  const sightings = eventsOf(history, 'dns')
    .filter((answer) => answer.arm === arm)
    .map(({ atMs, source, name, records }) => ({
      atMs,
      list: `${source}/${name}`,
      listed: records.includes(ip) && ownerOf(pods, ip, atMs)?.pod === pod,
    }));
  return listing(sightings);
}

/** Times of successful resolutions, by client. */
function resolutionsByClient(history: History, arm: string): Map<string, number[]> {
  const done = eventsOf(history, 'resolved').filter((resolved) => resolved.arm === arm && resolved.ok);
  const byClient = Map.groupBy(done, (resolved) => resolved.source);
  return new Map([...byClient].map(([client, events]) => [client, events.map((event) => event.atMs)]));
}

/**
 * The first resolution since the pod could be known. A DNS watch sees a change a little late, so a resolution
 * before it may have been the one that brought the pod: then it is the last before the pod's first call.
 */
function resolvedWithPod(
  resolutions: readonly number[],
  knowableMs: number | undefined,
  firstCallMs: number | undefined,
): number | undefined {
  if (knowableMs === undefined) return undefined;
  const first = resolutions.find((atMs) => atMs >= knowableMs);
  if (firstCallMs === undefined || (first !== undefined && first <= firstCallMs)) return first;
  return resolutions.findLast((atMs) => atMs <= firstCallMs);
}

/** When each client started its first call that each pod answered with OK. */
function firstCallsByClient(history: History, arm: string): Map<string, Map<string, number>> {
  const byClient = new Map<string, Map<string, number>>();
  for (const call of callsOf(history, arm)) {
    if (call.pod === undefined || call.code !== 'OK') continue;
    const byPod = byClient.get(call.source) ?? new Map<string, number>();
    byClient.set(call.source, byPod);
    byPod.set(call.pod, Math.min(startedMs(call), byPod.get(call.pod) ?? Number.POSITIVE_INFINITY));
  }
  return byClient;
}

function firstAndSlowest(moments: readonly (number | undefined)[]): FirstAndSlowest {
  const known = moments.filter((moment) => moment !== undefined);
  if (known.length === 0) return { firstMs: undefined, slowestMs: undefined };
  return {
    firstMs: Math.min(...known),
    slowestMs: known.length === moments.length ? Math.max(...known) : undefined,
  };
}
