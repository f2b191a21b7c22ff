import type { PodProxy } from '../cluster/index.ts';
import { behaviourFault } from './behaviour.ts';
import type { Fault } from './fault.ts';

export type NotServingOptions = {
  /** Default `not-serving`. */
  name?: string;
  arm: string;
  pods: readonly string[];
  /** Whose health it is; "", the default, is the server's as a whole. */
  service?: string;
};

/** The health service of greeter-servers says NOT_SERVING; they serve as before. */
export const notServingFault = (
  proxy: PodProxy,
  { name = 'not-serving', arm, pods, service = '' }: NotServingOptions,
): Fault =>
  behaviourFault(proxy, {
    name,
    arm,
    detail: `${pods.join(', ')} says NOT_SERVING for "${service}"`,
    pods,
    during: { serving: { [service]: false } },
    after: { serving: { [service]: true } },
  });
