// What the tests on embedded clusters share.
import { join } from 'node:path';
import { findProcesses } from '../../scripts/cluster/embedded/leftovers.ts';
import { connect, labRoot, NAMESPACE, RUN_LABEL } from '../../scripts/cluster/index.ts';
import type { History, HistoryEvent } from '../../scripts/history/index.ts';

/** Never the default one: that may be the developer's own. */
export const LAB = `embedded-${process.pid}`;

/** Short floors and ages, so that a run takes half a minute. */
export const SHORT = [
  ...['--dns-floor', '5s', '--max-connection-age', '4s', '--window', '15s'],
  ...['--warmup', '5s', '--name', LAB],
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

/** A history in which two arms have done each other's work, with all that was written of it: as if they had been set up so. */
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
