// The lives of pods as watch events told them, and the change that divides them into old and new.
import { eventsOf, type History } from './events.ts';
import { serverArmOf } from './server-arm.ts';

/** `app.kubernetes.io/name` of the pods that answer, and of the pods that call. */
export const SERVER_APP = 'greeter-server';
export const CLIENT_APP = 'greeter-client';

/** From one moment to another; without an end it still goes on when the history ends. */
export type Span = { fromMs: number; toMs: number | undefined };

export type PodLife = {
  pod: string;
  node: string | undefined;
  ip: string | undefined;
  /** Since when the address was known to be its own. */
  ipSinceMs: number | undefined;
  firstSeenMs: number;
  /** Arrival of the first watch event that said Ready: the times in a pod's status have one-second steps. */
  readyAtMs: number | undefined;
  /** When it was Ready and not on its way out. */
  ready: Span[];
  terminatingAtMs: number | undefined;
  /** Arrival of its `deleted` event. */
  goneAtMs: number | undefined;
  /** Container restarts since it was first seen. */
  restarts: number;
  /** It was there before the change. */
  old: boolean;
};

/** When the arm's change, its first fault or that of the servers it calls, was asked for. */
export function changeAskedMs(history: History, arm: string): number | undefined {
  const arms = [arm, serverArmOf(history, arm)];
  return eventsOf(history, 'fault').find((mark) => arms.includes(mark.arm) && mark.phase === 'inject-asked')
    ?.atMs;
}

/** The pods of an arm and app, servers of another arm that it calls included, in the order in which they were first seen. */
export function podsOf(history: History, arm: string, app: string): PodLife[] {
  const changeMs = changeAskedMs(history, arm) ?? Number.POSITIVE_INFINITY;
  const ofArm = app === SERVER_APP ? serverArmOf(history, arm) : arm;
  const lives = new Map<string, PodLife & { firstRestarts: number }>();
  for (const seen of eventsOf(history, 'pod')) {
    if (seen.arm !== ofArm || seen.app !== app) continue;
    const life = lives.get(seen.pod) ?? {
      pod: seen.pod,
      node: undefined,
      ip: undefined,
      ipSinceMs: undefined,
      firstSeenMs: seen.atMs,
      readyAtMs: undefined,
      ready: [],
      terminatingAtMs: undefined,
      goneAtMs: undefined,
      restarts: 0,
      old: seen.atMs <= changeMs,
      firstRestarts: seen.restarts,
    };
    lives.set(seen.pod, life);

    life.node ??= seen.node;
    life.ip ??= seen.ip;
    if (life.ip !== undefined) life.ipSinceMs ??= seen.atMs;
    life.restarts = seen.restarts - life.firstRestarts;
    if (seen.terminating) life.terminatingAtMs ??= seen.atMs;
    if (seen.deleted) life.goneAtMs ??= seen.atMs;

    const ready = seen.ready && !seen.terminating && !seen.deleted;
    const current = life.ready.at(-1);
    const wasReady = current !== undefined && current.toMs === undefined;
    if (ready && !wasReady) life.ready.push({ fromMs: seen.atMs, toMs: undefined });
    if (!ready && wasReady) current.toMs = seen.atMs;
    life.readyAtMs ??= life.ready[0]?.fromMs;
  }
  return [...lives.values()].map(({ firstRestarts, ...life }) => life);
}

/** The server pods that the change brought. */
export const newPodsOf = (history: History, arm: string): PodLife[] =>
  podsOf(history, arm, SERVER_APP).filter((pod) => !pod.old);

/** When a pod began to leave; a pod whose node or API object went without notice leaves as it is gone. */
export const leavingAtMs = (pod: PodLife): number | undefined => pod.terminatingAtMs ?? pod.goneAtMs;

/** The server pods that the change took: they began to leave after it was asked for. */
export function leavingPodsOf(history: History, arm: string): PodLife[] {
  const changeMs = changeAskedMs(history, arm);
  if (changeMs === undefined) return [];
  return podsOf(history, arm, SERVER_APP).filter((pod) => {
    const leavingMs = leavingAtMs(pod);
    return pod.old && leavingMs !== undefined && leavingMs >= changeMs;
  });
}

/**
 * When the change had its full effect on the set of pods: the last new one was Ready, the last leaving one had
 * begun to leave. Undefined when no pod came or went, or when a new one never became Ready.
 */
export function settledMs(history: History, arm: string): number | undefined {
  const moments = [
    ...newPodsOf(history, arm).map((pod) => pod.readyAtMs),
    ...leavingPodsOf(history, arm).map(leavingAtMs),
  ];
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 || known.length < moments.length ? undefined : Math.max(...known);
}

/** True when the pod was Ready from the beginning to the end of a span. */
export const readyThroughout = (pod: PodLife, fromMs: number, untilMs: number): boolean =>
  pod.ready.some((span) => span.fromMs <= fromMs && (span.toMs ?? Number.POSITIVE_INFINITY) >= untilMs);

/** The pod whose address it was at the time: an address may be used again by a later pod. */
export function ownerOf(pods: readonly PodLife[], ip: string, atMs: number): PodLife | undefined {
  const owners = pods
    .filter((pod) => pod.ip === ip)
    .sort((a, b) => (a.ipSinceMs ?? a.firstSeenMs) - (b.ipSinceMs ?? b.firstSeenMs));
  return owners.findLast((pod) => (pod.ipSinceMs ?? pod.firstSeenMs) <= atMs) ?? owners[0];
}
