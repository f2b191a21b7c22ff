import type { ChannelCredentials, ChannelOptions, Interceptor, Metadata } from '@grpc/grpc-js';
import type { AddressUpdate } from '../channel-context.ts';
import type { Logger } from '../logger.ts';
import type { KubernetesOptions } from '../resolver/kubernetes/api-config.ts';
import type { Locality } from '../resolver/localities.ts';
import type { ClientTls } from '../tls.ts';

/** The name of a status code, as gRPC's service config takes it: `UNAVAILABLE`. */
export type StatusName = string;

/** gRPC's retry policy (gRPC proposal A6); each attempt goes to an address that none before went to. */
export type RetryOptions = {
  /** Attempts of a call, the first included. Default 3. */
  maxAttempts?: number;
  /** The first wait, which like each is varied by up to 20 %. Default 50 ms. */
  initialBackoffMs?: number;
  /** Default 1000 ms. */
  maxBackoffMs?: number;
  /** Default 2. */
  backoffMultiplier?: number;
  /** Default UNAVAILABLE alone: what never reached a server, or can be asked again. */
  codes?: readonly StatusName[];
  /** Methods that may be repeated, by the names in the .proto. Default: all. */
  methods?: readonly string[];
};

/** gRPC's hedging policy (gRPC proposal A6): more attempts before the first has failed. */
export type HedgingOptions = {
  /** Attempts of a call, the first included. Default 2. */
  maxAttempts?: number;
  /** Time between the attempts; 0 sends all at once. Default 100 ms. */
  delayMs?: number;
  /** Codes upon which the next attempt starts at once; any other ends the call. Default UNAVAILABLE. */
  nonFatalCodes?: readonly StatusName[];
  /** Methods that may be sent more than once, by the names in the .proto. Default: all. */
  methods?: readonly string[];
};

/**
 * Stops retries and hedging of a whole channel while too many calls fail: each failure costs a token, each success
 * gives `tokenRatio` back, and there is no retry while half of them or fewer are left. Source: gRPC proposal A6.
 */
export type ThrottlingOptions = { maxTokens: number; tokenRatio: number };

export type ClientOptions = {
  /**
   * How calls are spread: `round_robin` over all endpoints (default); `prefer_same_node` over those on the own node
   * as long as one of them is connected, else in the own zone, else all; `pick_first`, all on one connection.
   */
  policy?: 'round_robin' | 'prefer_same_node' | 'pick_first';
  /**
   * Where this client runs, for `prefer_same_node`. Default: the node that NODE_NAME names (set it by the downward
   * API from `spec.nodeName`), and the zone that endpoints on that node are in.
   */
  locality?: Locality;
  /** Default: off. (Calls that no server has seen are sent again in any case: transparent retry.) */
  retry?: RetryOptions | boolean;
  /** Default: off. Not together with `retry`. */
  hedging?: HedgingOptions;
  throttling?: ThrottlingOptions;
  /** For calls that have none of their own, in milliseconds. Default: none, as in gRPC. */
  deadlineMs?: number;
  /** For calls that do not say. Default false: such a call fails at once when there is no connection. */
  waitForReady?: boolean;
  /**
   * Pings on connections that are silent, so that a dead one is noticed. Default: off, as in grpc-js; a server that
   * stops without a word is then noticed by deadlines only.
   */
  keepalive?: {
    /** Silence before a ping. Servers may refuse less than 5 minutes (gRPC's default); `serve` of grpc-kit takes it. */
    timeMs: number;
    /** Time for the answer before the connection is given up. Default 20 000 ms. */
    timeoutMs?: number;
    /** Also while no call is open. Default true. */
    withoutCalls?: boolean;
  };
  /** A channel without a call for so long closes its connections until the next. Default 30 minutes, as in grpc-js. */
  idleMs?: number;
  /** Connections to each address, which calls take in turn: more streams than one connection may have. Default 1. */
  connectionsPerAddress?: number;
  /** Sent with every call, as they are when the client is made. */
  metadata?: Metadata | Readonly<Record<string, string>>;
  /** grpc-js's own, outermost first. */
  interceptors?: readonly Interceptor[];
  /** TLS, with the system's roots (`true`) or as it says; with `cert` and `key` mTLS. Default: none (h2c). */
  tls?: ClientTls | boolean;
  /** Instead of `tls`: grpc-js's own, with call credentials for instance. Each object has its own channel. */
  credentials?: ChannelCredentials;
  /** How `kubernetes:///` finds the API. Default: the pod's service account, else the kubeconfig. */
  kubernetes?: KubernetesOptions;
  /**
   * The channel was given a new address list, or an error instead: for logs and tests. Not with `pick_first`, which
   * is grpc-js's own.
   */
  onAddresses?: (update: AddressUpdate) => void;
  /** Default: warnings to `console.warn`. */
  logger?: Logger;
  /** grpc-js's channel options by their own names; they win over those above. */
  channelOptions?: ChannelOptions;
};
