import { formatDuration } from '../common/duration.ts';
import { callsStartedIn, type History, sharesPerPod } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { readyNewPods } from './new-pods.ts';
import { count, listOf } from './words.ts';

/** For a control in which nothing makes clients resolve again: no new pod got a call until the end. */
export function newPodsIdle(
  history: History,
  { arm, newPods, untilMs }: { arm: string; newPods: number; untilMs: number },
): Finding {
  const say = sayFor('new-pods-idle', arm);
  const ready = readyNewPods(history, arm, newPods);
  if ('missing' in ready) return say.unknown(ready.missing);

  const firstSeenMs = Math.min(...ready.pods.map((pod) => pod.firstSeenMs));
  const { byPod } = sharesPerPod(history, arm, firstSeenMs, untilMs);
  const called = ready.pods.filter(({ pod }) => byPod[pod] !== undefined);
  const pods = count(ready.pods.length, 'new pod');
  if (called.length > 0) {
    const calls = listOf(called.map(({ pod }) => `${pod} ${byPod[pod]}`));
    return say.fail(`${called.length} of ${pods} got calls: ${calls}`);
  }
  const calls = callsStartedIn(history, arm, ready.lastReadyMs, untilMs).length;
  if (calls === 0) return say.unknown('no call was started after the new pods were Ready');
  const observed = formatDuration(untilMs - ready.lastReadyMs);
  return say.pass(`the ${pods} got none of ${count(calls, 'call')} in ${observed}`);
}
