import { connectivityState as State, type StatusObject, status } from '@grpc/grpc-js';
import { channelContext, type Learned } from '../channel-context.ts';
import {
  type ChannelControlHelper,
  createChildChannelControlHelper,
  type Endpoint,
  endpointToString,
  LeafLoadBalancer,
  LOCALITIES,
  type LoadBalancer,
  NO_ENDPOINTS,
  type Options,
  QueuePicker,
  type StatusOr,
  subchannelAddressToString,
  type TypedLoadBalancingConfig,
  UnavailablePicker,
} from '../grpc-experimental.ts';
import type { Localities, Locality } from '../resolver/localities.ts';
import { connectionsChanged, connectionsClosed } from '../telemetry.ts';
import { PREFER_SAME_NODE, type PreferSameNodeConfig, type RoundRobinConfig } from './config.ts';
import { type ReadyEndpoint, type Rotation, TieredPicker, WRAP } from './picker.ts';
import { TIERS, tierOf, zoneOfNode } from './tiers.ts';

type Child = {
  address: string;
  tier: number;
  state: State;
  leaf: LeafLoadBalancer;
  /** Its leaf was destroyed, whose timer of a connection under way calls back once more. */
  gone: boolean;
};

/**
 * Keeps a connection to every endpoint and picks as `TieredPicker` does. Unlike grpc-js's round_robin, an update
 * touches only what it changes: with a thousand endpoints, making all of them anew costs more than the update.
 */
export class TieredRoundRobin implements LoadBalancer {
  readonly #typeName: string;
  readonly #helper: ChannelControlHelper;
  readonly #rotation: Rotation = { next: Math.floor(Math.random() * WRAP) };
  #children = new Map<string, Child>();
  #target = '';
  #learned: Learned | undefined;
  #lastError: string | undefined;
  #changing = false;

  constructor(typeName: string, helper: ChannelControlHelper) {
    this.#typeName = typeName;
    this.#helper = helper;
  }

  updateAddressList(
    endpoints: StatusOr<Endpoint[]>,
    config: TypedLoadBalancingConfig,
    options: Options,
    resolutionNote: string,
  ): boolean {
    const { target = '', onAddresses, learned } = channelContext(options);
    this.#target = target;
    this.#learned ??= learned;
    if (!endpoints.ok) {
      onAddresses?.({ endpoints: 0, error: endpoints.error.details ?? '' });
      // A name server that does not know may be wrong about pods that still answer; the endpoints' own API is not.
      if (options[NO_ENDPOINTS] === true) this.#replaceChildren(new Map());
      if (this.#children.size === 0) this.#fail(endpoints.error.details ?? 'no addresses', endpoints.error);
      return true;
    }
    onAddresses?.({ endpoints: endpoints.value.length });
    const { own } = config as RoundRobinConfig | PreferSameNodeConfig;
    const localities = options[LOCALITIES] as Localities | undefined;
    this.#sayWhyFlat(own, localities, options, this.#learned);
    const ownLocality = withZone(own, localities, this.#learned);
    this.#lastError = undefined;
    this.#changing = true;
    const children = new Map<string, Child>();
    for (const endpoint of endpoints.value) {
      const [first] = endpoint.addresses;
      if (first === undefined) continue;
      const key = endpointToString(endpoint);
      const address = subchannelAddressToString(first);
      const child = this.#children.get(key) ?? this.#connect(address, endpoint, options, resolutionNote);
      child.tier = tierOf(localities?.get(address), ownLocality);
      children.set(key, child);
    }
    this.#replaceChildren(children);
    this.#changing = false;
    if (children.size > 0) this.#publish();
    else this.#fail(`No addresses resolved. Resolution note: ${resolutionNote}`);
    return true;
  }

  exitIdle(): void {
    for (const { leaf } of this.#children.values()) leaf.exitIdle();
  }

  resetBackoff(): void {
    // Each connection has its own, in grpc-js's hands.
  }

  destroy(): void {
    this.#replaceChildren(new Map());
    connectionsClosed(this);
  }

  getTypeName(): string {
    return this.#typeName;
  }

  #connect(address: string, endpoint: Endpoint, options: Options, resolutionNote: string): Child {
    const helper = createChildChannelControlHelper(this.#helper, {
      requestReresolution: () => {
        if (!child.gone) this.#helper.requestReresolution();
      },
      updateState: (state, _picker, errorMessage) => {
        if (child.gone) return;
        // A leaf asks only when it finds no connection; with `dns:` a server that ends them is how new pods are found.
        if (child.state === State.READY && state !== State.READY) this.#helper.requestReresolution();
        child.state = state;
        if (errorMessage) this.#lastError = errorMessage;
        this.#publish();
      },
    });
    const leaf = new LeafLoadBalancer(endpoint, helper, options, resolutionNote);
    const child: Child = { address, tier: TIERS - 1, state: State.IDLE, leaf, gone: false };
    leaf.startConnecting();
    return child;
  }

  #replaceChildren(children: Map<string, Child>): void {
    const before = this.#children;
    this.#children = children;
    for (const [key, child] of before) {
      if (children.get(key) === child) continue;
      child.gone = true;
      child.leaf.destroy();
    }
  }

  #sayWhyFlat(own: Locality, localities: Localities | undefined, options: Options, learned: Learned): void {
    if (this.#typeName !== PREFER_SAME_NODE || learned.saidWhyFlat) return;
    const why =
      own.node === undefined
        ? 'the own node is not known (set NODE_NAME from spec.nodeName, or the option locality)'
        : localities === undefined
          ? 'the resolver of this target knows no nodes (that of kubernetes:/// does)'
          : undefined;
    if (why === undefined) return;
    learned.saidWhyFlat = true;
    channelContext(options).logger.warn(
      `${PREFER_SAME_NODE} is plain round robin for ${this.#target}: ${why}`,
    );
  }

  /** Tells the channel how the children are, and how to pick among them. */
  #publish(): void {
    if (this.#changing) return;
    this.#reconnectIdle();
    const tiers: ReadyEndpoint[][] = Array.from({ length: TIERS }, () => []);
    const counts = new Map<State, number>();
    for (const { address, tier, state, leaf } of this.#children.values()) {
      counts.set(state, (counts.get(state) ?? 0) + 1);
      if (state === State.READY) tiers[tier]?.push({ address, picker: leaf.getPicker() });
    }
    connectionsChanged(this, this.#target, counts);
    if (counts.has(State.READY)) {
      const picker = new TieredPicker(
        tiers.filter((tier) => tier.length > 0),
        this.#rotation,
      );
      this.#helper.updateState(State.READY, picker, null);
    } else if (counts.has(State.CONNECTING)) {
      this.#helper.updateState(State.CONNECTING, new QueuePicker(this), null);
    } else if (counts.has(State.TRANSIENT_FAILURE)) {
      this.#fail(`${this.#typeName}: No connection established. Last error: ${this.#lastError ?? 'none'}`);
    } else {
      this.#helper.updateState(State.IDLE, new QueuePicker(this), null);
    }
  }

  /** A connection that was lost, or closed by its server, is made again at once and not at the next call. */
  #reconnectIdle(): void {
    this.#changing = true;
    for (const { state, leaf } of this.#children.values()) if (state === State.IDLE) leaf.exitIdle();
    this.#changing = false;
  }

  #fail(details: string, error: Partial<StatusObject> = { code: status.UNAVAILABLE, details }): void {
    this.#helper.updateState(State.TRANSIENT_FAILURE, new UnavailablePicker(error), details);
  }
}

/** The zone of a node does not change, and has to be known when no endpoint is left on it. */
function withZone(own: Locality, localities: Localities | undefined, learned: Learned): Locality {
  if (own.zone === undefined && own.node !== undefined && localities !== undefined) {
    learned.zoneOfOwnNode ??= zoneOfNode(localities, own.node);
  }
  return { ...(learned.zoneOfOwnNode !== undefined && { zone: learned.zoneOfOwnNode }), ...own };
}
