import { callsOf, endedMs, type History, podsOf, SERVER_APP, startedMs } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

/** Every answer came from a server pod of this arm that the cluster knew at the time. */
export function nobodyElseCalled(history: History, { arm }: { arm: string }): Finding {
  const say = sayFor('nobody-else-called', arm);
  const servers = new Map(podsOf(history, arm, SERVER_APP).map((life) => [life.pod, life]));
  if (servers.size === 0) return say.unknown('the history has no server pod');

  const strangers = new Map<string, number>();
  let answered = 0;
  for (const call of callsOf(history, arm)) {
    if (call.pod === undefined) continue;
    answered += 1;
    const server = servers.get(call.pod);
    const known =
      server !== undefined &&
      server.firstSeenMs <= endedMs(call) &&
      startedMs(call) <= (server.goneAtMs ?? Number.POSITIVE_INFINITY);
    if (!known) strangers.set(call.pod, (strangers.get(call.pod) ?? 0) + 1);
  }
  if (answered === 0) return say.unknown('no call was answered');
  if (strangers.size > 0) {
    const list = listOf([...strangers].map(([pod, calls]) => `${pod} (${count(calls, 'call')})`));
    return say.fail(`answers came from what was no server pod of this arm at the time: ${list}`);
  }
  return say.pass(
    `all ${count(answered, 'answer')} came from this arm's ${count(servers.size, 'server pod')}`,
  );
}
