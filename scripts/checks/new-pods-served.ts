import { formatDuration } from '../common/duration.ts';
import {
  type FirstCallWait,
  firstCallWaits,
  type History,
  scaleOutTimeline,
  slowestWait,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { readyNewPods } from './new-pods.ts';
import { because, count, listOf } from './words.ts';

type Params = {
  arm: string;
  /** How many pods the change was to bring. */
  newPods: number;
  /** Longest time from a pod's Ready to any client's first call on it. */
  boundMs: number;
  /** End of the time of observation. */
  untilMs: number;
  /** Why they may get none, where that was predicted. */
  whyNever?: string | undefined;
};

/** Every client called every new pod, the slowest within the bound after the pod was Ready. */
export function newPodsServed(history: History, params: Params): Finding {
  const { arm, boundMs, untilMs } = params;
  const say = sayFor('new-pods-served', arm);
  const timeline = scaleOutTimeline(history, arm);
  if (timeline === undefined) return say.unknown('no change was marked');
  const ready = readyNewPods(history, arm, params.newPods);
  if ('missing' in ready) return say.unknown(ready.missing);
  const waits = firstCallWaits(timeline);
  if (waits.length === 0) return say.unknown('no client made a call');

  const pods = count(ready.pods.length, 'new pod');
  const unserved = waits.filter((wait) => wait.waitMs === undefined);
  const overdue = unserved.filter((wait) => untilMs - wait.readyAtMs >= boundMs);
  if (overdue.length > 0 && unserved.length === waits.length) {
    const observedMs = untilMs - ready.lastReadyMs;
    return say.fail(
      `the ${pods} got no call at all in ${formatDuration(observedMs)}${because(params.whyNever)}`,
    );
  }
  if (overdue.length > 0) {
    return say.fail(
      `not every client called every new pod: ${describeUnserved(overdue)}${because(params.whyNever)}`,
    );
  }

  const slowest = slowestWait(waits);
  if (slowest !== undefined && slowest.waitMs > boundMs) {
    return say.fail(
      `${slowest.client} first called ${slowest.pod} ${formatDuration(slowest.waitMs)} after it was Ready, ` +
        `later than the bound of ${formatDuration(boundMs)}`,
    );
  }
  if (slowest === undefined || unserved.length > 0) {
    return say.unknown(
      `the observation ended before the bound of ${formatDuration(boundMs)}: ${describeUnserved(unserved)}`,
    );
  }
  return say.pass(
    `every client called each of ${pods}, the slowest ${formatDuration(Math.max(0, slowest.waitMs))} ` +
      `after Ready (${slowest.client} on ${slowest.pod}; bound ${formatDuration(boundMs)})`,
  );
}

/** `pod-6 got none from client-1, client-2`. */
function describeUnserved(unserved: readonly FirstCallWait[]): string {
  const byPod = Map.groupBy(unserved, (wait) => wait.pod);
  return listOf(
    [...byPod].map(([pod, waits]) => `${pod} got none from ${listOf(waits.map((w) => w.client))}`),
  );
}
