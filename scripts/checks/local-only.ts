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

/** Watch events and clocks are no more exact than this. */
const ABOUT_MS = 500;

/**
 * Calls are answered on the client's own node or not at all, as those show that fail without a server there. (One that is
 * about to go, or has just come, may answer without being Ready.)
 */
export function localOnly(history: History, { arm, part }: { arm: string; part: Part }): Finding {
  const say = sayFor('local-only', arm);
  const { tierOf, lacksLocal, clients } = placesOf(history, arm);
  const calls = callsStartedIn(history, arm, part.fromMs, part.untilMs);
  const answered = calls.filter(({ code, pod }) => code === 'OK' && pod !== undefined);
  const elsewhere = answered.filter(
    (call) => tierOf(call.source, call.pod ?? '', startedMs(call)) !== OWN_NODE,
  );
  const [first] = elsewhere;
  if (first !== undefined) {
    return say.fail(
      `${elsewhere.length} of ${count(answered.length, 'answer')} came from another node, the first ` +
        `${momentsOf(history, arm)(startedMs(first))}: ${first.source} was answered by ${first.pod}`,
    );
  }
  const alone = calls.filter((call) =>
    lacksLocal(call.source, startedMs(call) - ABOUT_MS, endedMs(call) + ABOUT_MS),
  );
  const clientsAlone = clients.filter(({ client }) => alone.some(({ source }) => source === client)).length;
  if (answered.length === 0) return say.unknown('no call was answered');
  const failed = alone.filter(({ code }) => code !== 'OK');
  if (failed.length === 0)
    return say.unknown('no client was without a server on its node for long enough to tell');
  return say.pass(
    `all ${count(answered.length, 'answer')} came from the own node; without a Ready server there ` +
      `${failed.length} of ${count(alone.length, 'call')} of ${count(clientsAlone, 'client')} failed`,
  );
}
