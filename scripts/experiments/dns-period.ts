// How long a DNS channel of grpc-js can go without learning of a new pod.

/** For what comes on top: EndpointSlice (the controller may retry after 1 s), DNS, connecting. */
export const SLACK_MS = 2000;

/** First delay before a channel connects, or resolves after a failure, again: gRPC's connection back-off. */
export const FIRST_BACKOFF_MS = 1000;

/** grpc-js and grpc-core spread a connection's age by ±10 %. */
export const AGE_JITTER = 0.1;

export type Period = {
  /** Undefined: off. */
  maxConnectionAgeMs: number | undefined;
  /** `grpc.dns_min_time_between_resolutions_ms`; grpc-js's own default is 30 000. */
  dnsFloorMs: number;
};

/** The longest that a client can go without resolving again. */
export const longestPeriodMs = ({ maxConnectionAgeMs = 0, dnsFloorMs }: Period): number =>
  Math.max(maxConnectionAgeMs * (1 + AGE_JITTER), dnsFloorMs);

/** The claim's bound on the time from a new pod's Ready to the slowest client's first call on it. */
export const scaleOutBoundMs = (period: Period): number => longestPeriodMs(period) + SLACK_MS;
