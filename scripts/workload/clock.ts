// How far each pod's clock is from the driver's, measured as NTP does: the error is at most half of the round trip.
import { setTimeout as delay } from 'node:timers/promises';
import type { TimeAnswer } from '../../services/protocol/index.ts';
import type { PodProxy } from '../cluster/index.ts';
import { nowMs } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';

export type ClockSample = {
  /** Of the process whose clock it is. */
  boot: string;
  /** Source's clock minus the driver's. */
  offsetMs: number;
  errorMs: number;
};

export type Clocks = {
  /** Zero until the pod's clock was measured. */
  offsetMs: (pod: string) => number;
  /** Measures a pod's clock, and goes on until it is known well or the pod leaves. */
  track: (pod: string) => Promise<void>;
  /** The best sample of each pod. */
  best: () => ReadonlyMap<string, ClockSample>;
};

export type ClockOptions = {
  isLeaving: (pod: string) => boolean;
  /** A clock could not be read at all. */
  onGap: (reason: string) => void;
  signal: AbortSignal;
};

/** Good enough to stop asking: each request costs the API server, its store and the pod some CPU. */
const GOOD_ERROR_MS = 4;
const SAMPLES_PER_TURN = 6;
const TURN_EVERY_MS = 3000;
/** For a pod that is Ready to tell its time. */
const GIVE_UP_AFTER_MS = 5000;

/** One pod is asked at a time: requests that compete have longer round trips. */
export function trackClocks(proxy: PodProxy, { isLeaving, onGap, signal }: ClockOptions): Clocks {
  const best = new Map<string, ClockSample>();
  let turn: Promise<void> = Promise.resolve();

  const keepBest = (pod: string, sample: ClockSample) => {
    const before = best.get(pod);
    if (!before || sample.boot !== before.boot || sample.errorMs < before.errorMs) best.set(pod, sample);
  };
  const isGood = (pod: string) => (best.get(pod)?.errorMs ?? Number.POSITIVE_INFINITY) <= GOOD_ERROR_MS;
  const isOver = (pod: string) => signal.aborted || isLeaving(pod);
  const takeTurn = async (pod: string) => {
    for (let asked = 0; asked < SAMPLES_PER_TURN && !isGood(pod) && !isOver(pod); asked += 1) {
      keepBest(pod, await sampleClock(proxy, pod, signal));
    }
  };
  const inTurn = (pod: string): Promise<void> => {
    const mine = turn.then(() => takeTurn(pod));
    turn = mine.catch(() => {});
    return mine;
  };

  return {
    offsetMs: (pod) => best.get(pod)?.offsetMs ?? 0,
    best: () => best,
    track: async (pod) => {
      const giveUpMs = nowMs() + GIVE_UP_AFTER_MS;
      let told = false;
      while (!isGood(pod) && !isOver(pod)) {
        try {
          await inTurn(pod);
        } catch (error) {
          // Ready is a pod's gRPC port: its control endpoint may come a moment later.
          const unread: boolean = !told && !isOver(pod) && !best.has(pod) && nowMs() > giveUpMs;
          if (unread) onGap(`the clock of ${pod} cannot be read: ${messageOf(error)}`);
          told ||= unread;
        }
        if (!isGood(pod)) await delay(TURN_EVERY_MS, undefined, { signal }).catch(() => {});
      }
    },
  };
}

async function sampleClock(proxy: PodProxy, pod: string, signal: AbortSignal): Promise<ClockSample> {
  const sentMs = nowMs();
  const { boot, nowMs: theirsMs } = await proxy.json<TimeAnswer>(pod, { path: '/time', signal });
  const receivedMs = nowMs();
  const offsetMs = theirsMs - (sentMs + receivedMs) / 2;
  return { boot, offsetMs, errorMs: (receivedMs - sentMs) / 2 };
}
