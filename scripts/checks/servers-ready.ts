import { type History, type Part, podsOf, readyThroughout, SERVER_APP } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

/** So many servers were Ready in all of a part, and no other was there. */
export function serversReady(
  history: History,
  { arm, part, servers }: { arm: string; part: Part; servers: number },
): Finding {
  const say = sayFor('servers-ready', arm);
  const there = podsOf(history, arm, SERVER_APP).filter(
    ({ firstSeenMs, goneAtMs }) =>
      firstSeenMs < part.untilMs && (goneAtMs ?? Number.POSITIVE_INFINITY) > part.fromMs,
  );
  const ready = there.filter((pod) => readyThroughout(pod, part.fromMs, part.untilMs));
  if (ready.length === servers && there.length === servers)
    return say.pass(`${count(servers, 'server')} were Ready all the time`);
  return say.unknown(
    `${ready.length} of ${count(there.length, 'server')} were Ready all the time, ${servers} should have been`,
  );
}
