import type { Server } from '@grpc/grpc-js';
import { CUT_MS } from './drain.ts';
import type { trackSockets } from './sockets.ts';
import { pause, within } from './time.ts';

const FIRST_LATE_MS = 100;
/** Each is twice as late as the one before: the last is after 12.7 s. */
const MOST_LATE = 7;

/** The two ways to end a server; the second also in the middle of the first. */
export function shutdownOf(server: Server, endWatches: () => void, sockets: ReturnType<typeof trackSockets>) {
  const over = new AbortController();
  let closed: Promise<void> | undefined;

  /**
   * A connection whose TLS handshake was under way becomes a session after grpc-js has closed those that it had, and
   * would be served, and waited for, like before.
   */
  async function closeLateSessions(): Promise<void> {
    for (let time = 0; time < MOST_LATE; time += 1) {
      await pause(FIRST_LATE_MS * 2 ** time, over.signal);
      if (over.signal.aborted) return;
      server.tryShutdown(() => {});
    }
  }

  /** No new calls and connections. Resolves when the last has ended. */
  function shutDown(): Promise<void> {
    if (!closed) {
      endWatches();
      closed = new Promise((resolve) => server.tryShutdown(() => resolve()));
      void closeLateSessions();
    }
    return closed;
  }

  /** Ends every call and connection that is left. */
  async function cut(): Promise<void> {
    const gone = shutDown();
    over.abort();
    server.forceShutdown();
    // The last frames leave, and peers close their side; sockets of those that do not are simply closed.
    if (!(await within(CUT_MS, gone))) {
      sockets.destroy();
      await within(CUT_MS, gone);
    }
    // Handlers are told that their calls were cut in the next turns of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }

  return { shutDown, cut };
}
