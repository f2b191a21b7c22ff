// Even: since when every Ready pod got its share of every client's calls.
// Calls are counted once, in bins of one step; a window is the difference of two running totals.
import { callsOf, clientsOf, startedMs } from './calls.ts';
import type { Call, History } from './events.ts';
import { podsOf, readyThroughout, SERVER_APP } from './pods.ts';

/** What counts as even: three windows in a row in which no share is off by more than the tolerance. */
export const EVEN = { windowMs: 2000, windows: 3, tolerance: 0.1, minCallsPerPod: 20, stepMs: 250 } as const;

/** How long it takes to see that shares are even, once they are. */
export const SEEING_EVEN_MS = EVEN.windows * EVEN.windowMs;

const stepsPerWindow = EVEN.windowMs / EVEN.stepMs;

/** What one pod got of one client's calls in one window. */
export type WindowShare = {
  client: string;
  pod: string;
  calls: number;
  /** All calls that the client started in the window. */
  ofCalls: number;
  /** What an even share would be. */
  fairCalls: number;
  windowEndMs: number;
};

export type Evenness =
  /** `atMs` is the end of the last window that it took to see it. */
  | { kind: 'even'; atMs: number }
  /** With the share that was furthest off in the last window that was not even. */
  | { kind: 'uneven'; worst: WindowShare }
  /** No three windows in a row had enough calls to judge them; `callsPerPod` is the most that one had. */
  | { kind: 'too-few'; callsPerPod: number }
  /** The span is shorter than the windows. */
  | { kind: 'too-short'; lengthMs: number };

/**
 * Looks for the first time in a span at which every Ready pod gets its share of each client's calls.
 * Pods that become Ready or leave within a window are not expected to get a share in it.
 * `untilMs` defaults to the last call that was started.
 */
export function findEven(
  history: History,
  arm: string,
  span: { afterMs: number; untilMs?: number | undefined },
): Evenness {
  const { afterMs } = span;
  const calls = callsOf(history, arm);
  const untilMs = span.untilMs ?? calls.reduce((last, call) => Math.max(last, startedMs(call)), afterMs);
  if (untilMs - afterMs < SEEING_EVEN_MS) return { kind: 'too-short', lengthMs: untilMs - afterMs };

  const steps = Math.floor((untilMs - afterMs) / EVEN.stepMs);
  const clients = clientsOf(history, arm);
  const totals = new Map(clients.map((client) => [client, runningTotals(calls, client, afterMs, steps)]));
  const pods = podsOf(history, arm, SERVER_APP);

  const judge = (step: number): Evenness => {
    const fromMs = afterMs + step * EVEN.stepMs;
    const windowEndMs = fromMs + EVEN.windowMs;
    const expected = pods.filter((pod) => readyThroughout(pod, fromMs, windowEndMs));
    const shares = [...totals].flatMap(([client, { all, byPod }]) => {
      const ofCalls = inWindow(all, step);
      const fairCalls = ofCalls / expected.length;
      return expected.map(({ pod }) => {
        const podTotals = byPod.get(pod);
        const calls = podTotals === undefined ? 0 : inWindow(podTotals, step);
        return { client, pod, calls, ofCalls, fairCalls, windowEndMs };
      });
    });
    return judgeWindow(shares, windowEndMs);
  };
  const windows = Array.from({ length: steps - stepsPerWindow + 1 }, (_, step) => judge(step));

  for (const step of windows.keys()) {
    const inARow = Array.from({ length: EVEN.windows }, (_, index) => windows[step + index * stepsPerWindow]);
    const last = inARow.at(-1);
    if (last !== undefined && inARow.every((window) => window?.kind === 'even')) return last;
  }
  return (
    windows.findLast((window) => window.kind === 'uneven') ?? {
      kind: 'too-few',
      callsPerPod: Math.max(
        0,
        ...windows.map((window) => (window.kind === 'too-few' ? window.callsPerPod : 0)),
      ),
    }
  );
}

function judgeWindow(shares: WindowShare[], windowEndMs: number): Evenness {
  const fewest = shares.reduce((least, share) => Math.min(least, share.fairCalls), Number.POSITIVE_INFINITY);
  if (shares.length === 0) return { kind: 'too-few', callsPerPod: 0 };
  if (fewest < EVEN.minCallsPerPod) return { kind: 'too-few', callsPerPod: fewest };
  const worst = shares.reduce((furthest, share) => (isFurtherOff(share, furthest) ? share : furthest));
  return offBy(worst) <= EVEN.tolerance ? { kind: 'even', atMs: windowEndMs } : { kind: 'uneven', worst };
}

const offBy = (share: WindowShare): number => Math.abs(share.calls - share.fairCalls) / share.fairCalls;

/** Of two that are off by as much, the one that got too little says more. */
const isFurtherOff = (a: WindowShare, b: WindowShare): boolean =>
  offBy(a) > offBy(b) || (offBy(a) === offBy(b) && a.calls < b.calls);

/** How many calls were started before each step; one more entry than there are steps. */
type RunningTotal = Uint32Array;

const inWindow = (total: RunningTotal, step: number): number =>
  (total[step + stepsPerWindow] ?? 0) - (total[step] ?? 0);

/** A client's calls from `afterMs` on: all of them, and by the pod that answered. */
function runningTotals(
  calls: readonly Call[],
  client: string,
  afterMs: number,
  steps: number,
): { all: RunningTotal; byPod: Map<string, RunningTotal> } {
  const all = new Uint32Array(steps + 1);
  const byPod = new Map<string, RunningTotal>();
  for (const call of calls) {
    const step = Math.floor((startedMs(call) - afterMs) / EVEN.stepMs);
    if (call.source !== client || step < 0 || step >= steps) continue;
    count(all, step);
    if (call.pod === undefined) continue;
    const total = byPod.get(call.pod) ?? new Uint32Array(steps + 1);
    byPod.set(call.pod, total);
    count(total, step);
  }
  for (const total of [all, ...byPod.values()]) addUp(total);
  return { all, byPod };
}

function count(total: RunningTotal, step: number): void {
  total[step + 1] = (total[step + 1] ?? 0) + 1;
}

function addUp(total: RunningTotal): void {
  for (let step = 1; step < total.length; step += 1)
    total[step] = (total[step] ?? 0) + (total[step - 1] ?? 0);
}
