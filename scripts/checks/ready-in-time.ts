import { formatDuration } from '../common/duration.ts';
import { type History, leavingAtMs, leavingPodsOf, newPodsOf } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';

type Params = {
  arm: string;
  /** How long the first pod that leaves goes on to serve. */
  drainMs: number;
  /** Whether new pods are to be known by then, or are not to. */
  expected: 'before' | 'after';
};

/** What the arm is about came to pass: new pods were Ready before, or after, the first of the old ones was closed. */
export function readyInTime(history: History, { arm, drainMs, expected }: Params): Finding {
  const say = sayFor('ready-in-time', arm);
  const first = (moments: readonly (number | undefined)[]): number | undefined => {
    const known = moments.filter((moment) => moment !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  };
  const leftMs = first(leavingPodsOf(history, arm).map(leavingAtMs));
  const readyMs = first(newPodsOf(history, arm).map((pod) => pod.readyAtMs));
  if (leftMs === undefined || readyMs === undefined) return say.unknown('no pod was replaced');
  const tookMs = readyMs - leftMs;
  const closes = `the first that left served on for ${formatDuration(drainMs)}`;
  const ready =
    tookMs < 0
      ? `a new pod was Ready ${formatDuration(-tookMs)} before an old one had to leave`
      : `the first new pod was Ready ${formatDuration(tookMs)} after an old one had to leave`;
  const message = `${ready}, ${closes}`;
  const before = tookMs < drainMs;
  if (before === (expected === 'before')) return say.pass(message);
  return say.unknown(`${message}: this arm is about pods that are Ready ${expected} that`);
}
