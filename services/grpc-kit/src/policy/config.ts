import type { TypedLoadBalancingConfig } from '../grpc-experimental.ts';
import type { Locality } from '../resolver/localities.ts';

/** Own types: grpc-js has a `round_robin` of its own, which does not know of a call's earlier attempts. */
export const ROUND_ROBIN = 'grpc_kit_round_robin';
export const PREFER_SAME_NODE = 'prefer_same_node';

/** `{ "grpc_kit_round_robin": {} }` in a service config. */
export class RoundRobinConfig implements TypedLoadBalancingConfig {
  readonly own: Locality = {};
  getLoadBalancerName(): string {
    return ROUND_ROBIN;
  }
  toJsonObject(): object {
    return { [ROUND_ROBIN]: {} };
  }
  static createFromJson(): RoundRobinConfig {
    return new RoundRobinConfig();
  }
}

/** `{ "prefer_same_node": { "node": "worker-1", "zone": "a" } }` in a service config; each may be left out. */
export class PreferSameNodeConfig implements TypedLoadBalancingConfig {
  readonly own: Locality;
  constructor(own: Locality) {
    this.own = own;
  }
  getLoadBalancerName(): string {
    return PREFER_SAME_NODE;
  }
  toJsonObject(): object {
    return { [PREFER_SAME_NODE]: this.own };
  }
  /** @throws Error when node or zone is not a string. */
  static createFromJson(json: unknown): PreferSameNodeConfig {
    const { node, zone } = (json ?? {}) as Record<string, unknown>;
    for (const value of [node, zone]) {
      if (value !== undefined && typeof value !== 'string') {
        throw new Error(`${PREFER_SAME_NODE}: node and zone must be strings`);
      }
    }
    return new PreferSameNodeConfig({
      ...(node ? { node: node as string } : {}),
      ...(zone ? { zone: zone as string } : {}),
    });
  }
}
