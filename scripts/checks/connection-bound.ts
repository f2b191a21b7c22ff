import {
  type Call,
  callsOf,
  endedMs,
  type History,
  OWN_NODE,
  placesOf,
  startedMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { FOUND_MS } from './nearest-first.ts';
import { count, listOf, momentsOf } from './words.ts';

/** A client's calls on one pod, between those on others: a connection, or several to the same pod. */
type Stay = { client: string; pod: string; first: Call; last: Call };

/** Calls that overlap may be answered in another order than they were made. */
const OVERLAP_MS = 1000;

/**
 * Nearness was a matter of connecting: a client goes to a pod on its node if one is Ready while it connects, and stays
 * with the pod that it has, near or not, until that one goes.
 */
export function connectionBound(history: History, { arm }: { arm: string }): Finding {
  const say = sayFor('connection-bound', arm);
  const { clients, mayBeGoneMs, tierOf, hasLocal } = placesOf(history, arm);
  const moment = momentsOf(history, arm);
  const stays = clients.map(({ client }) => staysOf(history, arm, client));
  const problems = stays.flatMap((ofClient) =>
    ofClient.flatMap((stay, index) => {
      const before = ofClient[index - 1];
      const { client, pod, first } = stay;
      const leftMs = before && mayBeGoneMs(before.pod);
      if (before && (leftMs === undefined || leftMs > startedMs(first) + OVERLAP_MS)) {
        return [
          `${client} left ${before.pod}, which was still there, for ${pod} ${moment(startedMs(first))}`,
        ];
      }
      const connectedFromMs = before ? startedMs(before.last) : startedMs(first);
      // A call that was under way when its pod went connects for its second attempt, later than it was started.
      const wasLocal = hasLocal(client, connectedFromMs - FOUND_MS, endedMs(first));
      return wasLocal && tierOf(client, pod, startedMs(first)) !== OWN_NODE
        ? [`${client} connected to ${pod} ${moment(startedMs(first))}, with a Ready one on its own node`]
        : [];
    }),
  );
  const all = stays.flat();
  if (all.length === 0) return say.unknown('no call was answered');
  if (problems.length > 0) return say.fail(problems.join('; '));
  const local = all.filter(
    ({ client, pod, first }) => tierOf(client, pod, startedMs(first)) === OWN_NODE,
  ).length;
  const hung = stays.flatMap((ofClient) => {
    const last = ofClient.at(-1);
    return last && mayBeGoneMs(last.pod) !== undefined ? [last.client] : [];
  });
  const hanging = hung.length === 0 ? '' : `; ${listOf(hung)} hung when its pod went, to the end`;
  return say.pass(
    `${count(all.length, 'time')} a client connected, ${local} of them to its own node; none left a pod that was ` +
      `there${hanging}`,
  );
}

function staysOf(history: History, arm: string, client: string): Stay[] {
  const calls = callsOf(history, arm)
    .filter((call) => call.source === client && call.code === 'OK')
    .sort((a, b) => startedMs(a) - startedMs(b));
  const stays: Stay[] = [];
  for (const call of calls) {
    const { pod } = call;
    if (pod === undefined) continue;
    const current = stays.at(-1);
    if (current?.pod === pod) current.last = call;
    else stays.push({ client, pod, first: call, last: call });
  }
  return stays;
}
