import type { BehaviourChange } from '../../services/protocol/index.ts';
import { type PodProxy, statusOf } from '../cluster/index.ts';
import type { Fault } from './fault.ts';

export type BehaviourOptions = {
  /** `failure-share`, `overload`. */
  name: string;
  arm: string;
  detail: string;
  pods: readonly string[];
  /** How they behave while it lasts, and how they are to behave again. */
  during: BehaviourChange;
  after: BehaviourChange;
};

/** greeter-servers that are told to behave differently. A pod that is gone when it is healed needs no healing. */
export function behaviourFault(
  proxy: PodProxy,
  { name, arm, detail, pods, during, after }: BehaviourOptions,
): Fault {
  const tell = (pod: string, body: BehaviourChange) =>
    proxy.json(pod, { method: 'PATCH', path: '/behaviour', body });
  return {
    name,
    arm,
    detail,
    pods,
    inject: async () => {
      await Promise.all(pods.map((pod) => tell(pod, during)));
    },
    heal: async () => {
      const told = await Promise.allSettled(pods.map((pod) => tell(pod, after)));
      const refused = told.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
      // A pod that is gone behaves no more.
      const failed = refused.find((error) => statusOf((error as Error).cause) !== 404);
      if (failed) throw failed;
    },
  };
}
