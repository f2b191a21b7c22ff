import { formatDuration } from '../common/duration.ts';
import { type History, unreadyInSlicesMs } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { listOf } from './words.ts';

type Params = {
  arm: string;
  /** Of the arm's servers, whose EndpointSlices are looked at. */
  service: string;
  pods: readonly string[];
  /** When they were lost, at the earliest and at the latest. */
  lost: { fromMs: number; toMs: number };
  /** How long after that Kubernetes notices. */
  predicted: { fromMs: number; toMs: number };
};

/** Servers that are lost without a word are ready in the EndpointSlices for about as long as predicted. */
export function unreadyInSlices(history: History, { arm, service, pods, lost, predicted }: Params): Finding {
  const say = sayFor('unready-in-slices', arm);
  if (pods.length === 0) return say.unknown('no server was lost');
  const unreadyMs = unreadyInSlicesMs(history, { arm, service, pods, fromMs: lost.fromMs });
  const interval = `predicted ${formatDuration(predicted.fromMs)} to ${formatDuration(predicted.toMs)}`;
  if (unreadyMs === undefined)
    return say.fail(`${listOf(pods)} never ceased to be ready in the EndpointSlices, ${interval}`);
  const tookMs = unreadyMs - lost.fromMs;
  const message = `${listOf(pods)} ready in the EndpointSlices for ${formatDuration(tookMs)} more, ${interval}`;
  const isInTime = tookMs >= predicted.fromMs && unreadyMs - lost.toMs <= predicted.toMs;
  return isInTime ? say.pass(message) : say.fail(message);
}
