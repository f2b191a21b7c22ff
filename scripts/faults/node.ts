import type { NodeFailure, NodeFailures } from '../cluster/index.ts';
import type { Fault } from './fault.ts';

type Options = {
  arm: string;
  node: string;
  failure: NodeFailure;
  /** The arms' pods on it, by their names. */
  pods: readonly string[];
};

/**
 * A node stops without notice, and its containers with it, or is cut off from the network while all on it runs on. What
 * is left of it by a run that was killed, the next lab:up or experiment mends.
 */
export function nodeFault(nodes: NodeFailures, { arm, node, failure, pods }: Options): Fault {
  return {
    name: `node-${failure}`,
    arm,
    detail: failure === 'stop' ? `${node} stops` : `${node} is cut off from the network`,
    pods,
    ...(failure === 'stop' ? { restarts: pods } : { silences: pods }),
    inject: () => nodes.fail(node, failure),
    heal: nodes.mend,
  };
}
