import {
  type Call,
  callsOf,
  type History,
  leavingPodsOf,
  ownerOf,
  podsOf,
  SERVER_APP,
  startedMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf, momentsOf } from './words.ts';

/**
 * No call was started on a pod that was gone: none that it answered, none that ended without an answer at its
 * address. An address that a later pod has got is that pod's.
 */
export function gonePodsNotCalled(
  history: History,
  { arm, gonePods }: { arm: string; gonePods: number },
): Finding {
  const say = sayFor('gone-pods-not-called', arm);
  const gone = leavingPodsOf(history, arm).filter((pod) => pod.goneAtMs !== undefined);
  if (gone.length === 0 || gone.length < gonePods) {
    return say.unknown(`${gone.length} of ${count(gonePods, 'pod')} were gone by the end`);
  }
  const pods = podsOf(history, arm, SERVER_APP);
  const calledPod = (call: Call) => {
    if (call.pod !== undefined) return pods.find(({ pod }) => pod === call.pod);
    return call.peer === undefined ? undefined : ownerOf(pods, hostOf(call.peer), startedMs(call));
  };
  const late = callsOf(history, arm).filter(
    (call) => startedMs(call) > (calledPod(call)?.goneAtMs ?? startedMs(call)),
  );
  if (late.length === 0)
    return say.pass(`no call was started on any of ${count(gone.length, 'pod')} that were gone`);

  const byPod = Map.groupBy(late, (call) => calledPod(call)?.pod ?? '');
  const first = late.reduce((earliest, call) => (startedMs(call) < startedMs(earliest) ? call : earliest));
  return say.fail(
    `${count(late.length, 'call')} started on pods that were gone ` +
      `(${listOf([...byPod].map(([pod, calls]) => `${pod} ${calls.length}`))}), ` +
      `the first ${momentsOf(history, arm)(startedMs(first))}, by ${first.source}`,
  );
}

/** The address of `10.0.0.7:50051` or `[fd00::7]:50051`. */
const hostOf = (peer: string): string => peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
