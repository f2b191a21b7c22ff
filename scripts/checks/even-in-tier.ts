import { callsStartedIn, EVEN, type History, type Part, placesOf } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { percent } from './success-share.ts';
import { count, listOf } from './words.ts';

type Params = {
  arm: string;
  part: Part;
  /** Whether nearness counts: even over a client's nearest servers, else over all of them. */
  nearness: boolean;
};

/** Each client's answers came in even shares from its nearest servers, or from all where nearness is not to count. */
export function evenInTier(history: History, { arm, part, nearness }: Params): Finding {
  const say = sayFor('even-in-tier', arm);
  const { clients, tierOf, readyIn } = placesOf(history, arm);
  const there = readyIn(part.fromMs, part.untilMs);
  if (there.length === 0) return say.unknown('no server was Ready all the time');
  const calls = callsStartedIn(history, arm, part.fromMs, part.untilMs);
  const uneven: string[] = [];
  const said: string[] = [];
  for (const { client } of clients) {
    const near = (pod: string) => (nearness ? tierOf(client, pod, part.fromMs) : 0);
    const best = Math.min(...there.map(({ pod }) => near(pod)));
    const nearest = there.filter(({ pod }) => near(pod) === best);
    const answered = calls.filter(({ source, pod }) => source === client && pod !== undefined);
    const fair = answered.length / nearest.length;
    if (fair < EVEN.minCallsPerPod)
      return say.unknown(`${client} had ${count(answered.length, 'answer')}: too few`);
    const shares = nearest.map(({ pod }) => answered.filter((call) => call.pod === pod).length);
    const isEven = shares.every((n) => Math.abs(n - fair) <= EVEN.tolerance * fair);
    const inWords = `${client} ${shares.map((n) => percent(n / answered.length)).join(' and ')}`;
    (isEven ? said : uneven).push(inWords);
  }
  if (uneven.length > 0) return say.fail(`not even: ${listOf(uneven)}`);
  return said.length > 0 ? say.pass(`even: ${listOf(said)}`) : say.unknown('there is no client');
}
