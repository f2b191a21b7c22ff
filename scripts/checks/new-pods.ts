import { type History, newPodsOf, type PodLife } from '../history/index.ts';
import { count, listOf } from './words.ts';

/** The new pods of an arm, or why nothing can be said of them: too few came, or one never became Ready. */
export function readyNewPods(
  history: History,
  arm: string,
  expected: number,
): { pods: PodLife[]; lastReadyMs: number } | { missing: string } {
  const pods = newPodsOf(history, arm);
  if (pods.length === 0 || pods.length < expected) {
    return { missing: `${pods.length} of ${count(expected, 'new pod')} came` };
  }
  const unready = pods.filter((pod) => pod.readyAtMs === undefined).map(({ pod }) => pod);
  if (unready.length > 0) return { missing: `${listOf(unready)} never became Ready` };
  return { pods, lastReadyMs: Math.max(...pods.map((pod) => pod.readyAtMs ?? 0)) };
}
