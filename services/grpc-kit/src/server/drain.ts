import { LONGEST_TIMER_MS, pause, within } from './time.ts';

/**
 * `sigterm`: a signal has come, whichever (a drain that `drain()` began has none) · `not-serving`: health says
 * NOT_SERVING, calls are served as before · `shutting-down`: GOAWAY, no new calls · `done`: every connection is closed.
 */
export type DrainPhase = 'sigterm' | 'not-serving' | 'shutting-down' | 'done';

export type DrainOptions = {
  /**
   * How long the pod may take to end, from `terminationGracePeriodSeconds` in its spec: then the kubelet kills it.
   * Default 30 000 ms, as Kubernetes' own. Everything ends a second earlier.
   */
  terminationGracePeriodMs?: number;
  /**
   * Part of it that is gone when SIGTERM comes: what the container's `preStop` hook takes (kubernetes.io, Container
   * Lifecycle Hooks). Default 0.
   */
  preStopMs?: number;
  /**
   * How long calls are served as before after health has said NOT_SERVING: the time for kubelet, endpoints, DNS and
   * clients to learn of it. Default 5000 ms.
   */
  drainDelayMs?: number;
  /**
   * Longest wait for calls in flight after that; then they are cut (clients see CANCELLED). Default: all that is left
   * of the grace period.
   */
  drainTimeoutMs?: number;
};

/** How long the parts of a drain take at most, in milliseconds. */
export type DrainTimes = { delayMs: number; callsMs: number; totalMs: number };

/** Between the end of a drain and that of the grace period: for the last log lines, and for late timers. */
const MARGIN_MS = 1000;
/** Kept for `onDrained`. */
const HOOK_MS = 1000;
/** Kept for the last frames to leave and for peers to close their side. */
export const CUT_MS = 500;
const LEAST_FOR_CALLS_MS = 1000;

/** @throws Error when the grace period is too short for what is to be done in it. */
export function drainTimes(options: DrainOptions, hasHook: boolean): DrainTimes {
  const { terminationGracePeriodMs = 30_000, preStopMs = 0, drainDelayMs = 5000, drainTimeoutMs } = options;
  const totalMs = terminationGracePeriodMs - preStopMs - MARGIN_MS;
  const leftMs = totalMs - drainDelayMs - CUT_MS - (hasHook ? HOOK_MS : 0);
  const neededMs = drainTimeoutMs ?? LEAST_FOR_CALLS_MS;
  if (leftMs < neededMs) {
    const parts = [
      ...(preStopMs > 0 ? [`${preStopMs} ms of preStopMs`] : []),
      `${drainDelayMs} ms of drainDelayMs`,
      ...(hasHook ? [`${HOOK_MS} ms for onDrained`] : []),
      `${CUT_MS + MARGIN_MS} ms to end in`,
    ];
    throw new Error(
      `grpc-kit: terminationGracePeriodMs is too short: ${terminationGracePeriodMs} ms less ${parts.join(', ')} ` +
        `leave ${leftMs} ms for calls in flight, not ${neededMs}. ` +
        'Raise it (and terminationGracePeriodSeconds in the pod), or lower the others.',
    );
  }
  return { delayMs: drainDelayMs, callsMs: Math.min(drainTimeoutMs ?? leftMs, LONGEST_TIMER_MS), totalMs };
}

export type Drainable = {
  /** Health says NOT_SERVING. */
  leave: () => void;
  /** No new calls and connections. Resolves when the last has ended. */
  shutDown: () => Promise<void>;
  /** Ends every call and connection that is left. */
  cut: () => Promise<void>;
};

/**
 * Takes a server out of service without a failed call: first everyone is told, and served until they know; then calls
 * in flight may end. `hurry` skips the time for them to learn of it; `cut` ends the rest early.
 */
export async function drain(
  server: Drainable,
  times: DrainTimes,
  tell: (phase: DrainPhase) => void,
  hurry: AbortSignal,
): Promise<void> {
  server.leave();
  tell('not-serving');
  await pause(times.delayMs, hurry);
  tell('shutting-down');
  await within(times.callsMs, server.shutDown());
  await server.cut();
  tell('done');
}
