// What a pod tells the lab, one JSON object a line on GET /events. Times are milliseconds since the epoch by the
// pod's own monotonic clock (`performance.timeOrigin + performance.now()`).

/**
 * Answer of GET /time, by which the lab measures a pod's clock offset, and what it costs. `boot` changes when the
 * process does; `cpuMs` is the CPU time that it has used since it started.
 */
export type TimeAnswer = { boot: string; nowMs: number; cpuMs: number };

/** First line of every event stream. `from` is the index of the first event that follows. */
export type HelloEvent = {
  type: 'hello';
  boot: string;
  pod: string;
  node: string;
  atMs: number;
  from: number;
};

/** One call, told when it has ended. */
export type CallEvent = {
  type: 'call';
  workload: string;
  /** Counts up from 0 in a workload. */
  seq: number;
  /** When the call was due. */
  intendedMs: number;
  /** How much later it was started. */
  lateMs: number;
  /** From `intendedMs` to the end. */
  latencyMs: number;
  /** Status code name: `OK`, `UNAVAILABLE`. */
  code: string;
  /** The status message, of a call that failed. */
  message?: string;
  /** The pod that answered, by its own word; absent when none did. */
  pod?: string;
  /** Address of the last attempt, where one was picked. */
  peer?: string;
  /** Attempts before the one that was answered, as the server was told; absent when none answered. */
  previousAttempts?: number;
};

/** A channel's resolver was done, as channelz traced it. */
export type ResolvedEvent = {
  type: 'resolved';
  workload: string;
  channel: number;
  atMs: number;
  ok: boolean;
  detail: string;
};

/**
 * One of a workload's subchannels, as channelz traced it: what holds the connection to an address, one after another.
 * It is `READY` while it has one that takes new calls; a connection that is told to go takes none, and may go on with
 * those that it has.
 */
export type ConnectivityEvent = {
  type: 'connectivity';
  workload: string;
  /** Its channelz id. */
  subchannel: number;
  atMs: number;
  /** `CONNECTING`, `READY`, `IDLE`, `TRANSIENT_FAILURE`, `SHUTDOWN`. */
  state: string;
};

/** A watched name's answer changed. `records` is sorted; empty with an `error` when there was none. */
export type DnsEvent = { type: 'dns'; name: string; atMs: number; records: string[]; error?: string };

/** A workload began or ended. */
export type WorkloadEvent = {
  type: 'workload';
  workload: string;
  phase: 'started' | 'stopped';
  atMs: number;
};

/** Events that the agent had to throw away because nobody read them in time. */
export type DroppedEvent = { type: 'dropped'; atMs: number; count: number };

export type AgentEvent =
  | CallEvent
  | ResolvedEvent
  | ConnectivityEvent
  | DnsEvent
  | WorkloadEvent
  | DroppedEvent;

/** Attempts that reached a handler, of one client. */
export type AttemptCounts = {
  /** By `grpc-previous-rpc-attempts`: index 0 counts first attempts, 1 first retries, … */
  startedByPreviousAttempts: number[];
  ok: number;
  failed: number;
};

/**
 * Connections to a server's gRPC port: open ones, all that it has accepted since it started, and those among them on
 * which a greeting came. (Each probe of the kubelet is a connection too.)
 */
export type ConnectionCounts = { open: number; opened: number; greeted: number };

/** What a server got so far, by client (`<workload id>@<pod name>`). */
export type CountersEvent = {
  type: 'counters';
  atMs: number;
  /** True when the server has shut down and nothing can come any more. */
  final: boolean;
  clients: Record<string, AttemptCounts>;
  connections: ConnectionCounts;
};

/** The server's own life: SIGTERM came, it stopped taking calls, it is done. */
export type LifecycleEvent = {
  type: 'lifecycle';
  atMs: number;
  phase: 'sigterm' | 'not-serving' | 'shutting-down' | 'done';
};

export type ServerEvent = CountersEvent | LifecycleEvent;
