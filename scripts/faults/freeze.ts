import { type PodProxy, statusOf } from '../cluster/index.ts';
import { waitFor } from '../common/wait.ts';
import type { Fault } from './fault.ts';

type Options = {
  arm: string;
  pods: readonly string[];
  /** It thaws by itself: what is frozen cannot be told to. */
  durationMs: number;
};

/** The process of each pod stands still, its connections open: it answers nothing, not even pings. */
export function freezeFault(proxy: PodProxy, { arm, pods, durationMs }: Options): Fault {
  const thawed = (pod: string) =>
    waitFor(
      `${pod} to thaw`,
      async () => {
        try {
          await proxy.json(pod, { path: '/time', timeoutMs: 2000 });
          return { done: undefined };
        } catch (error) {
          // A pod that is gone is not frozen.
          if (statusOf((error as Error).cause) === 404) return { done: undefined };
          return { waiting: (error as Error).message };
        }
      },
      { timeoutMs: durationMs + 30_000 },
    );
  return {
    name: 'freeze',
    arm,
    detail: `freeze ${pods.join(', ')}`,
    inject: async () => {
      await Promise.all(
        pods.map((pod) => proxy.json(pod, { method: 'POST', path: '/freeze', body: { durationMs } })),
      );
    },
    heal: async () => {
      await Promise.all(pods.map(thawed));
    },
  };
}
