import { changeAskedMs, type History, leavingPodsOf, placesOf } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

/**
 * Pods are where they have to be to tell anything: at the change some clients have a server on their node and some have
 * none, and the change takes one that is local to a client.
 */
export function placed(history: History, { arm }: { arm: string }): Finding {
  const say = sayFor('placed', arm);
  const changeMs = changeAskedMs(history, arm);
  if (changeMs === undefined) return say.unknown('no change was marked');
  const { clients, hasLocal } = placesOf(history, arm);
  const lost = clients.filter(({ node }) => node === undefined);
  if (lost.length > 0)
    return say.unknown(`nobody told on which node ${listOf(lost.map(({ client }) => client))} is`);

  const justBefore = changeMs - 1;
  const local = clients.filter(({ client }) => hasLocal(client, justBefore, justBefore));
  const taken = leavingPodsOf(history, arm);
  const orphans = clients.filter(({ node }) => taken.some((pod) => pod.node === node));
  if (local.length === 0) return say.unknown('no client had a server on its node');
  if (local.length === clients.length) return say.unknown('every client had a server on its node');
  if (orphans.length === 0) return say.unknown('no server was taken that was on the node of a client');
  return say.pass(
    `${local.length} of ${count(clients.length, 'client')} had a server on their node, ` +
      `that of ${listOf(orphans.map(({ client }) => client))} was taken`,
  );
}
