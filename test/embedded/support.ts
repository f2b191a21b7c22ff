// What the tests on embedded clusters share.
import { join } from 'node:path';
import { findProcesses } from '../../scripts/cluster/embedded/leftovers.ts';
import { connect, labRoot, NAMESPACE, RUN_LABEL } from '../../scripts/cluster/index.ts';
import type { History, HistoryEvent } from '../../scripts/history/index.ts';
import type { RunDocument } from '../../scripts/report/index.ts';
import { readHistory } from '../../scripts/report/run-folder.ts';

/** Never the default one: that may be the developer's own. */
export const LAB = `embedded-${process.pid}`;

/** Short floors and ages, so that a run takes half a minute, and a rate that leaves a test beside it some air. */
export const SHORT = [
  ...['--dns-floor', '5s', '--max-connection-age', '4s', '--window', '15s'],
  ...['--warmup', '5s', '--rate', '120', '--name', LAB],
];

export const kubeconfigOf = (name: string): string => join(labRoot(), name, 'kubeconfig');

export const connectTo = (name: string) => connect(kubeconfigOf(name));

/** Names of what runs have deployed and not removed. */
export async function leftOvers(name: string): Promise<string[]> {
  const api = connectTo(name);
  const selected = { namespace: NAMESPACE, labelSelector: RUN_LABEL };
  const lists = await Promise.all([
    api.apps.listNamespacedDeployment(selected),
    api.core.listNamespacedService(selected),
    api.core.listNamespacedPod(selected),
  ]);
  return lists.flatMap(({ items }) => items.map(({ metadata }) => metadata?.name ?? ''));
}

export const processesOf = (clusterId: string): Promise<number[]> => findProcesses(clusterId.trim());

export const historyOf = async ({ id }: RunDocument): Promise<HistoryEvent[]> =>
  (await Array.fromAsync(readHistory(id))).flat();

/** What was seen of arms that have servers of their own, by the names of others: as if they had been set up so. */
export function withArmsReplaced(history: History, others: Readonly<Record<string, string>>): HistoryEvent[] {
  const armOf = (event: HistoryEvent) => ('arm' in event ? event.arm : undefined);
  const replaced = Object.entries(others).flatMap(([arm, other]) =>
    history
      .filter((event) => armOf(event) === other)
      .map((event) => {
        const text = JSON.stringify({ ...event, arm })
          .replaceAll(`"${other}@`, `"${arm}@`)
          .replaceAll(`"greeter-headless-${other}"`, `"greeter-headless-${arm}"`);
        return JSON.parse(text) as HistoryEvent;
      }),
  );
  const kept = history.filter((event) => !Object.hasOwn(others, armOf(event) ?? ''));
  return [...kept, ...replaced].sort((a, b) => a.atMs - b.atMs);
}

/** Two arms have done each other's work, on whichever servers: those of a third arm, too, know their clients by it. */
export function withArmsSwapped(history: History, one: string, other: string): History {
  const swapped = (arm: string): string => (arm === one ? other : arm === other ? one : arm);
  return history.map((event) => {
    if (!('arm' in event) || event.arm === undefined) return event;
    const arm = swapped(event.arm);
    if (event.type !== 'counters') return { ...event, arm } as HistoryEvent;
    const clients = Object.entries(event.clients).map(([client, counts]) => [
      client.replace(/^[^@]+/, swapped),
      counts,
    ]);
    return { ...event, arm, clients: Object.fromEntries(clients) };
  });
}
