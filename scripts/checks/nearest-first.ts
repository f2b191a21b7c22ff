import {
  callsStartedIn,
  endedMs,
  type History,
  OWN_NODE,
  type Part,
  placesOf,
  startedMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, momentsOf } from './words.ts';

/**
 * For a new pod to be found: the EndpointSlice controller may try again after one second, then there is the way to the
 * client, and its connecting, on a machine that has just started a pod.
 */
export const FOUND_MS = 2500;

type Params = { arm: string; part: Part };

/** Every answer came from the nearest servers that there were: own node, else own zone, else any. */
export function nearestFirst(history: History, { arm, part }: Params): Finding {
  const say = sayFor('nearest-first', arm);
  const { tierOf, readyIn } = placesOf(history, arm);
  const calls = callsStartedIn(history, arm, part.fromMs, part.untilMs);
  let judged = 0;
  let local = 0;
  const astray = [];
  for (const call of calls) {
    const { source, pod } = call;
    if (pod === undefined) continue;
    const near = (other: string) => tierOf(source, other, startedMs(call) - FOUND_MS);
    const there = readyIn(startedMs(call) - FOUND_MS, endedMs(call));
    if (there.length === 0) continue;
    judged += 1;
    const tier = near(pod);
    if (tier === OWN_NODE) local += 1;
    if (tier > Math.min(...there.map((life) => near(life.pod)))) astray.push(call);
  }
  if (judged === 0) return say.unknown('no call was answered while it was known who was Ready');
  const [first] = astray.sort((a, b) => startedMs(a) - startedMs(b));
  if (first === undefined) {
    return say.pass(
      `all of ${count(judged, 'answer')} came from the nearest servers, ${local} from the own node`,
    );
  }
  return say.fail(
    `${astray.length} of ${count(judged, 'answer')} came from farther than they had to, the first ` +
      `${momentsOf(history, arm)(startedMs(first))}: ${first.source} was answered by ${first.pod}`,
  );
}
