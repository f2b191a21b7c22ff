// The vocabulary of a history: everything that was seen in one run, one event a line.
import type {
  AttemptCounts,
  CallEvent,
  ConnectionCounts,
  DnsProbeRequest,
  HealthProbeAnswer,
  LifecycleEvent,
  SocketsAnswer,
  WorkloadStatus,
} from '../../services/protocol/index.ts';

type Seen = {
  /** Milliseconds since the epoch by the driver's clock: the one clock on which a history is read. */
  atMs: number;
  /** Who saw it: a pod's name, or `driver`. */
  source: string;
  /** The same moment by the source's own clock, where the source has one. */
  sourceMs?: number;
};

/** A call of a client pod; `atMs` is when it was due, `atMs + lateMs` when it was started. */
export type Call = Seen & Omit<CallEvent, 'intendedMs' | 'workload'> & { arm: string };

/** A client's resolver was done. */
export type Resolved = Seen & { type: 'resolved'; arm: string; channel: number; ok: boolean; detail: string };

/** A client's subchannel changed its state: `READY` is a connection that takes new calls. */
export type Connectivity = Seen & { type: 'connectivity'; arm: string; subchannel: number; state: string };

/** The answer to a watched name changed, as seen from a client pod. `records` are addresses. */
export type DnsAnswer = Seen & { type: 'dns'; arm: string; name: string; records: string[]; error?: string };

/** A client pod asked its resolver for a name, once. */
export type DnsProbed = Seen & {
  type: 'dns-probe';
  arm: string;
  name: string;
  /** `lookup` is getaddrinfo; the others are record types. */
  asked: NonNullable<DnsProbeRequest['type']>;
  records: string[];
  /** The resolver's code where there was no answer: `ENOTFOUND`. */
  error?: string;
  tookMs: number;
};

/** A client pod opened a TCP connection, or could not, once. */
export type TcpProbed = Seen & {
  type: 'tcp-probe';
  arm: string;
  host: string;
  port: number;
  connected: boolean;
  /** The system's code where it was not: `ECONNREFUSED`. */
  error?: string;
  tookMs: number;
};

/** The API was asked whether it would make an object, once; it made none. */
export type DryRun = Seen & {
  type: 'dry-run';
  arm: string;
  name: string;
  accepted: boolean;
  /** What it said where it would not. */
  error?: string;
};

/** A pod as a watch event told it; `atMs` is the event's arrival. `deleted` is its last one. */
export type PodSeen = Seen & {
  type: 'pod';
  arm: string;
  /** `app.kubernetes.io/name`: `greeter-server` or `greeter-client`. */
  app: string;
  pod: string;
  node?: string;
  ip?: string;
  phase: string;
  ready: boolean;
  /** It has a deletionTimestamp. */
  terminating: boolean;
  deleted: boolean;
  /** Container restarts so far. */
  restarts: number;
};

export type Endpoint = {
  ip: string;
  pod?: string;
  node?: string;
  zone?: string;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
};

/** One EndpointSlice as a watch event told it; deleted slices come with no endpoints. */
export type EndpointsSeen = Seen & {
  type: 'endpoints';
  arm: string;
  service: string;
  slice: string;
  endpoints: Endpoint[];
};

/** A fault was injected or healed; `asked` comes before the first API call, `done` after the last. */
export type FaultMark = Seen & {
  type: 'fault';
  arm: string;
  fault: string;
  phase: 'inject-asked' | 'inject-done' | 'heal-asked' | 'heal-done';
  detail: string;
  /** Those that it was done to, where it was not done to all of the arm. */
  pods?: readonly string[];
};

/** A part of the run begins: `baseline`, `change`, `window`, `end`. */
export type Mark = Seen & { type: 'mark'; name: string };

/** What a server got so far; `source` is the pod. The last one of a pod counts. */
export type Counters = Seen & {
  type: 'counters';
  arm: string;
  final: boolean;
  /** By client, `<arm>@<client pod>`. */
  clients: Record<string, AttemptCounts>;
  /** Its gRPC connections. */
  connections?: ConnectionCounts;
};

/** A server's own life, as it told it. */
export type Lifecycle = Seen & { type: 'lifecycle'; arm: string; phase: LifecycleEvent['phase'] };

/** How a client's workload did, asked when it had stopped and nothing was in flight. */
export type WorkloadEnd = Seen & { type: 'workload-end'; arm: string; status: WorkloadStatus };

/** A pod's clock against the driver's: driver = source - offsetMs, give or take errorMs. */
export type ClockMeasured = Seen & { type: 'clock'; offsetMs: number; errorMs: number };

/** The clients of this arm call the servers of another one. */
export type SharedServers = Seen & { type: 'shared-servers'; arm: string; serversOf: string };

/** The TCP connections of a pod, as its kernel has them; `source` is the pod. */
export type SocketsSeen = Seen & { type: 'sockets'; arm: string; app: string } & SocketsAnswer;

/** The CPU time that a pod's process has used since it started. */
export type CpuSeen = Seen & { type: 'cpu'; arm: string; app: string; cpuMs: number };
/** How long a server's health-probe script took, run in its pod; `source` is the pod. */
export type HealthProbed = Seen & { type: 'health-probe'; arm: string } & HealthProbeAnswer;

/** What the cluster said of a pod: a Kubernetes Event. */
export type ClusterEvent = Seen & {
  type: 'cluster-event';
  arm: string;
  pod: string;
  /** `Normal` or `Warning`. */
  severity: string;
  /** `Unhealthy`, `Killing`. */
  reason: string;
  message: string;
  /** How often so far. */
  count: number;
};

/** A line of a pod's log, told when the run was over; `atMs` is when the container runtime got it. */
export type Logged = Seen & { type: 'log'; arm: string; text: string };

/** Something is missing from here on: a stream broke, a process restarted, events were thrown away. */
export type Gap = Seen & { type: 'gap'; arm?: string; reason: string };

export type HistoryEvent =
  | Call
  | Resolved
  | Connectivity
  | DnsAnswer
  | DnsProbed
  | TcpProbed
  | DryRun
  | PodSeen
  | EndpointsSeen
  | FaultMark
  | Mark
  | Counters
  | Lifecycle
  | WorkloadEnd
  | ClockMeasured
  | SharedServers
  | SocketsSeen
  | CpuSeen
  | HealthProbed
  | ClusterEvent
  | Logged
  | Gap;

/** All that was seen in one run, in order of arrival. */
export type History = readonly HistoryEvent[];

/** The events of one type, in order. */
export function eventsOf<T extends HistoryEvent['type']>(
  history: History,
  type: T,
): Extract<HistoryEvent, { type: T }>[] {
  return history.filter((event): event is Extract<HistoryEvent, { type: T }> => event.type === type);
}
