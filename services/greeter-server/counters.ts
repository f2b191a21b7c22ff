import type { AttemptCounts } from '../protocol/index.ts';

// Client names come off the wire: neither their number nor a made-up attempt number may grow without bound.
const MOST_PREVIOUS_ATTEMPTS = 15;
const OTHER = 'other';

export type Counters = ReturnType<typeof createCounters>;

/** Counts attempts that reached the handler, by client. Clients beyond `maxClients` are counted as "other". */
export function createCounters(maxClients = 1000, maxPeers = 1_000_000) {
  const clients = new Map<string, AttemptCounts>();
  let version = 0;
  /** Remote addresses with ports. */
  const peers = new Set<string>();

  function countsOf(client: string): AttemptCounts {
    const known = clients.get(client);
    if (known) return known;
    if (clients.size >= maxClients && client !== OTHER) return countsOf(OTHER);
    const counts: AttemptCounts = { startedByPreviousAttempts: [], ok: 0, failed: 0 };
    clients.set(client, counts);
    return counts;
  }

  return {
    /** An attempt reached the handler. @returns what is to be told when its outcome is known. */
    started(client: string, previousAttempts: number, peer: string): AttemptCounts {
      if (peers.size < maxPeers) peers.add(peer);
      const counts = countsOf(client);
      const index = Math.min(previousAttempts, MOST_PREVIOUS_ATTEMPTS);
      const started = counts.startedByPreviousAttempts;
      while (started.length <= index) started.push(0);
      started[index] = (started[index] ?? 0) + 1;
      version += 1;
      return counts;
    },
    ended(counts: AttemptCounts, ok: boolean): void {
      if (ok) counts.ok += 1;
      else counts.failed += 1;
      version += 1;
    },
    /** Connections on which an attempt came. */
    connections: () => peers.size,
    /** Changes whenever a count does. */
    version: () => version,
    snapshot: (): Record<string, AttemptCounts> => structuredClone(Object.fromEntries(clients)),
  };
}
