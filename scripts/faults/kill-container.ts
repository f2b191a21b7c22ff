import type { PodProxy } from '../cluster/index.ts';
import type { Fault } from './fault.ts';

/** What Kubernetes reports of a process that SIGKILL ended: 128 + 9. */
const KILLED = 137;

/**
 * The process of each pod ends without a word, and the kubelet starts its container again: the same pod, with the same
 * address. There is nothing to heal.
 */
export function killContainerFault(
  proxy: PodProxy,
  { arm, pods }: { arm: string; pods: readonly string[] },
): Fault {
  return {
    name: 'kill-container',
    arm,
    detail: `kill the container of ${pods.join(', ')}`,
    restarts: pods,
    inject: async () => {
      await Promise.all(
        pods.map((pod) => proxy.json(pod, { method: 'POST', path: '/exit', body: { code: KILLED } })),
      );
    },
    heal: async () => {},
  };
}
