import {
  callsStartedIn,
  clientsOf,
  endedMs,
  failuresOf,
  findEven,
  type History,
  podsOf,
  SERVER_APP,
  sharesPerPod,
} from '../history/index.ts';
import { describeUneven } from './even-shares.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, describeFailures, listOf, momentsOf } from './words.ts';

type Params = {
  arm: string;
  fromMs: number;
  untilMs: number;
  /** Whether the policy spreads calls evenly over all pods; if not, it is enough that calls were answered. */
  even: boolean;
};

/** Before the change the service was as it should be. Nothing can be said of a change to an unsteady one. */
export function steadyBefore(history: History, { arm, fromMs, untilMs, even }: Params): Finding {
  const say = sayFor('steady-before', arm);
  const calls = callsStartedIn(history, arm, fromMs, untilMs);
  const moment = momentsOf(history, arm);
  const unsteady = (why: string) =>
    say.unknown(`nothing can be said of a change to a service that was not steady before it: ${why}`);

  const idle = clientsOf(history, arm).filter((client) => !calls.some((call) => call.source === client));
  if (calls.length === 0) return unsteady('no call was started');
  if (idle.length > 0) return unsteady(`${listOf(idle)} made no call`);
  // A call in flight at the change may fail because of it.
  const failures = failuresOf(calls.filter((call) => endedMs(call) < untilMs));
  if (failures.length > 0) return unsteady(describeFailures(failures, moment));
  if (!even) return say.pass(`all ${count(calls.length, 'call')} before the change were answered`);

  const pods = podsOf(history, arm, SERVER_APP).filter(
    (pod) => pod.old && (pod.goneAtMs ?? untilMs) >= untilMs,
  );
  const { byPod } = sharesPerPod(history, arm, fromMs, untilMs);
  const unserved = pods.filter(({ pod }) => byPod[pod] === undefined).map(({ pod }) => pod);
  if (unserved.length > 0) return unsteady(`${listOf(unserved)} got no call`);
  const evenness = findEven(history, arm, { afterMs: fromMs, untilMs });
  if (evenness.kind !== 'even') return unsteady(describeUneven(evenness, moment));
  return say.pass(
    `${count(calls.length, 'call')} before the change, none failed, even over ${count(pods.length, 'pod')}`,
  );
}
