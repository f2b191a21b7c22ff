import type { CallEvent, ConnectivityEvent, ResolvedEvent } from '../../protocol/index.ts';

/** How a call ended. */
export type Outcome = Pick<CallEvent, 'code' | 'message' | 'pod' | 'peer' | 'previousAttempts'>;

/** The end of a name resolution, as a stack tells it. */
export type Resolution = Pick<ResolvedEvent, 'channel' | 'atMs' | 'ok' | 'detail'>;

/** A subchannel's state, as a stack tells it. */
export type Connectivity = Pick<ConnectivityEvent, 'subchannel' | 'atMs' | 'state'>;

/** Takes what a stack tells of its channels. */
export type Tell = {
  resolution: (resolution: Resolution) => void;
  connectivity: (connectivity: Connectivity) => void;
};

/** A client library with its channels open, ready to make one workload's calls. */
export type Stack = {
  /** Makes one call. `onEnd` is called once and later, never from within. */
  call: (seq: number, deadlineMs: number, onEnd: (outcome: Outcome) => void) => void;
  /** Ends what would go on for ever: streams. */
  endStreams?: () => void;
  /**
   * At least so many attempts were added by transparent retry: attempts that were put on a connection, over those
   * that calls and their retry policy asked for. Each asked-for attempt that was never put on one (no connection, no
   * address) can hide one here.
   */
  transparentRetries: () => number;
  /** Closes the channels, when no call is in flight. */
  close: () => void;
};
