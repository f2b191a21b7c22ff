// Answers of the pod's own resolver. `dns` is used through its default export, whose functions an environment without
// a DNS server of its own can replace.
import dns from 'node:dns';
import { nowMs, roundMs } from '../common/clock.ts';
import type { DnsEvent, DnsProbeAnswer, DnsProbeRequest } from '../protocol/index.ts';
import type { EventLog } from './event-log.ts';

type RecordType = NonNullable<DnsProbeRequest['type']>;

const resolvers: Record<RecordType, (name: string) => Promise<string[]>> = {
  lookup: async (name) => (await dns.promises.lookup(name, { all: true })).map(({ address }) => address),
  A: (name) => dns.promises.resolve4(name),
  AAAA: (name) => dns.promises.resolve6(name),
  SRV: async (name) =>
    (await dns.promises.resolveSrv(name)).map(
      (srv) => `${srv.priority} ${srv.weight} ${srv.port} ${srv.name}`,
    ),
  TXT: async (name) => (await dns.promises.resolveTxt(name)).map((chunks) => chunks.join('')),
};

/**
 * Asks once. `records` are sorted, each once, unless they are wanted as they were given; `error` is the resolver's
 * code, such as ENOTFOUND.
 */
export async function probeDns(
  name: string,
  type: RecordType,
  order: NonNullable<DnsProbeRequest['order']> = 'sorted',
): Promise<DnsProbeAnswer> {
  const startedMs = nowMs();
  const elapsedMs = () => roundMs(nowMs() - startedMs);
  try {
    const given = await resolvers[type](name);
    return { ms: elapsedMs(), records: order === 'given' ? given : [...new Set(given)].sort() };
  } catch (error) {
    return { ms: elapsedMs(), error: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

export type DnsWatches = ReturnType<typeof createDnsWatches>;

/** Watches of names, one per name; each change of an answer is an event, and so is the first answer. */
export function createDnsWatches(log: Pick<EventLog, 'append'>) {
  const watches = new Map<string, AbortController>();

  async function watch(name: string, intervalMs: number, signal: AbortSignal): Promise<void> {
    let told = '';
    while (!signal.aborted) {
      const answer = await probeDns(name, 'lookup');
      if (signal.aborted) return;
      const found = 'error' in answer ? { records: [], error: answer.error } : { records: answer.records };
      if (JSON.stringify(found) !== told) {
        told = JSON.stringify(found);
        log.append({ type: 'dns', name, atMs: nowMs(), ...found } satisfies DnsEvent);
      }
      await sleep(intervalMs, signal);
    }
  }

  return {
    /** Watching a name again begins anew: one watch, and the answer as it is becomes an event. */
    start(name: string, intervalMs: number): void {
      watches.get(name)?.abort();
      const controller = new AbortController();
      watches.set(name, controller);
      void watch(name, intervalMs, controller.signal);
    },
    /** @returns whether the name was watched. */
    stop(name: string): boolean {
      watches.get(name)?.abort();
      return watches.delete(name);
    },
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
