// A resolver and a policy that do nothing but what the test says, and keep what grpc-js hands them.
import { type ChannelOptions, connectivityState, Metadata, status } from '@grpc/grpc-js';
import {
  type ChannelControlHelper,
  createChildChannelControlHelper,
  type Endpoint,
  type GrpcUri,
  LeafLoadBalancer,
  type Options,
  type PickArgs,
  type ResolverListener,
  registerLoadBalancerType,
  registerResolver,
  type StatusOr,
  statusOrFromError,
  statusOrFromValue,
  UnavailablePicker,
} from '../../../services/grpc-kit/src/grpc-experimental.ts';

type Attributes = Parameters<ResolverListener>[1];

/** Of `recording:` targets: those that were made, newest last. */
export const resolvers: RecordingResolver[] = [];
export const latestResolver = (): RecordingResolver => {
  const latest = resolvers.at(-1);
  if (!latest) throw new Error('grpc-js has made no resolver');
  return latest;
};

class RecordingResolver {
  readonly uri: GrpcUri;
  readonly options: ChannelOptions;
  readonly calls: ('updateResolution' | 'destroy')[] = [];
  readonly #listener: ResolverListener;

  constructor(uri: GrpcUri, listener: ResolverListener, options: ChannelOptions) {
    this.uri = uri;
    this.options = options;
    this.#listener = listener;
    resolvers.push(this);
  }
  updateResolution(): void {
    this.calls.push('updateResolution');
  }
  destroy(): void {
    this.calls.push('destroy');
  }
  static getDefaultAuthority({ path }: GrpcUri): string {
    return `authority.of.${path}`;
  }

  /** Each endpoint by its addresses, `127.0.0.1:40001`. */
  give(endpoints: readonly (readonly string[])[], attributes: Attributes = {}, note = ''): void {
    this.#listener(statusOrFromValue(endpoints.map(endpointOf)), attributes, null, note);
  }
  fail(details: string, attributes: Attributes = {}): void {
    this.#listener(statusOrFromError({ code: status.UNAVAILABLE, details }), attributes, null, '');
  }
}

function endpointOf(addresses: readonly string[]): Endpoint {
  return {
    addresses: addresses.map((address) => {
      const [host = '', port] = address.split(':');
      return { host, port: Number(port) };
    }),
  };
}

type Update = { endpoints: StatusOr<Endpoint[]>; options: Options; note: string };

/** Of policies `recording`: those that were made, newest last. */
export const policies: RecordingPolicy[] = [];

/** One leaf, of the first endpoint of the first list, that connects when the test says. Errors change nothing. */
class RecordingPolicy {
  readonly updates: Update[] = [];
  /** What the leaf has said of itself. */
  readonly states: (keyof typeof connectivityState)[] = [];
  readonly picks: PickArgs[] = [];
  destroyed = false;
  leaf: LeafLoadBalancer | undefined;
  readonly #helper: ChannelControlHelper;

  constructor(helper: ChannelControlHelper) {
    this.#helper = helper;
    policies.push(this);
  }
  updateAddressList(endpoints: StatusOr<Endpoint[]>, _config: unknown, options: Options, note: string) {
    this.updates.push({ endpoints, options, note });
    if (endpoints.ok) this.leaf ??= this.#leafOf(endpoints.value[0] as Endpoint, options, note);
    else if (!this.leaf) this.#publish(connectivityState.TRANSIENT_FAILURE, endpoints.error.details);
    return true;
  }
  requestReresolution(): void {
    this.#helper.requestReresolution();
  }
  exitIdle(): void {}
  resetBackoff(): void {}
  destroy(): void {
    this.destroyed = true;
    this.leaf?.destroy();
  }
  getTypeName(): string {
    return 'recording';
  }

  #leafOf(endpoint: Endpoint, options: Options, note: string): LeafLoadBalancer {
    const helper = createChildChannelControlHelper(this.#helper, {
      updateState: (state, _picker, details) => {
        this.states.push(connectivityState[state] as keyof typeof connectivityState);
        this.#publish(state, details ?? '');
      },
    });
    return new LeafLoadBalancer(endpoint, helper, options, note);
  }

  #publish(state: connectivityState, details: string): void {
    const { leaf, picks } = this;
    const failing = new UnavailablePicker({ code: status.UNAVAILABLE, details, metadata: new Metadata() });
    const picker = {
      pick(args: PickArgs) {
        picks.push(args);
        return leaf ? leaf.getPicker().pick(args) : failing.pick(args);
      },
    };
    this.#helper.updateState(state, picker, details);
  }
}

export const latestPolicy = (): RecordingPolicy => {
  const latest = policies.at(-1);
  if (!latest) throw new Error('grpc-js has made no policy');
  return latest;
};

class RecordingConfig {
  getLoadBalancerName(): string {
    return 'recording';
  }
  toJsonObject(): object {
    return { recording: {} };
  }
  static createFromJson(): RecordingConfig {
    return new RecordingConfig();
  }
}

registerResolver('recording', RecordingResolver);
registerLoadBalancerType('recording', RecordingPolicy, RecordingConfig);
