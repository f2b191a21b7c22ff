// How far a pod's clock is from the driver's, measured as NTP does: the error is at most half of the round trip.
import type { TimeAnswer } from '../../services/protocol/index.ts';
import type { PodProxy } from '../cluster/index.ts';
import { nowMs } from '../common/clock.ts';

export type ClockSample = {
  boot: string;
  /** Source's clock minus the driver's. */
  offsetMs: number;
  errorMs: number;
};

/** Good enough to stop asking. */
const GOOD_ERROR_MS = 1.5;

/** Asks a pod for its time, `count` times at most, and keeps the answer with the shortest round trip. */
export async function measureClock(
  proxy: PodProxy,
  pod: string,
  count: number,
  signal: AbortSignal,
): Promise<ClockSample> {
  let best: ClockSample | undefined;
  for (
    let asked = 0;
    asked < count && (best?.errorMs ?? Number.POSITIVE_INFINITY) > GOOD_ERROR_MS;
    asked += 1
  ) {
    const sample = await sampleClock(proxy, pod, signal);
    if (!best || sample.errorMs < best.errorMs) best = sample;
  }
  if (!best) throw new RangeError('a clock is measured by one sample at least');
  return best;
}

async function sampleClock(proxy: PodProxy, pod: string, signal: AbortSignal): Promise<ClockSample> {
  const sentMs = nowMs();
  const { boot, nowMs: theirsMs } = await proxy.json<TimeAnswer>(pod, { path: '/time', signal });
  const receivedMs = nowMs();
  const offsetMs = theirsMs - (sentMs + receivedMs) / 2;
  return { boot, offsetMs, errorMs: (receivedMs - sentMs) / 2 };
}
