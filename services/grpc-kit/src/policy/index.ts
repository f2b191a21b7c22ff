// How a channel's calls are spread over the endpoints that its resolver found.
import { type ChannelControlHelper, registerLoadBalancerType } from '../grpc-experimental.ts';
import { PREFER_SAME_NODE, PreferSameNodeConfig, ROUND_ROBIN, RoundRobinConfig } from './config.ts';
import { TieredRoundRobin } from './tiered-round-robin.ts';

export { PREFER_SAME_NODE, ROUND_ROBIN } from './config.ts';
export { trackingAttempts } from './tried.ts';

class RoundRobin extends TieredRoundRobin {
  constructor(helper: ChannelControlHelper) {
    super(ROUND_ROBIN, helper);
  }
}

class PreferSameNode extends TieredRoundRobin {
  constructor(helper: ChannelControlHelper) {
    super(PREFER_SAME_NODE, helper);
  }
}

/** Makes the policies known to grpc-js, for the whole process. Once more does no harm. */
export function registerPolicies(): void {
  registerLoadBalancerType(ROUND_ROBIN, RoundRobin, RoundRobinConfig);
  registerLoadBalancerType(PREFER_SAME_NODE, PreferSameNode, PreferSameNodeConfig);
}
