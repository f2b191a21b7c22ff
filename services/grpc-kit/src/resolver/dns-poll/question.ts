// One name's addresses, asked in one of two ways. getaddrinfo knows search domains and /etc/hosts, but no TTL, and under
// a pod's `ndots:5` it asks up to ten questions for one name; questions for A and AAAA records are two, and bring the
// TTL, but take a name as it is. `dns` is used through its default export, whose functions an environment without a DNS
// server of its own can replace.
import dns from 'node:dns';

export type Answer = {
  /** Sorted, each once; at least one. */
  addresses: string[];
  /** How long the shortest-lived record is good for; undefined where that is not known. */
  ttlMs: number | undefined;
};

type Family = 4 | 6;
type Records = Answer & { failures: Map<Family, Error> };

/** Nothing there, as opposed to no answer. */
const NONE = new Set(['ENOTFOUND', 'ENODATA']);
/** For records, once getaddrinfo has found the name: calls are waiting for it. */
const GRACE_MS = 100;

/** @returns asks for `name`. The way that works is found out by the first answers, and again when it works no longer. */
export function createQuestion(name: string): () => Promise<Answer> {
  let way: 'unknown' | 'records' | 'getaddrinfo' = 'unknown';
  /** Under way since a question that could not wait for them. */
  let pending: Promise<Records> | undefined;
  /** Of the last answer. */
  let families = new Set<Family>();

  async function ask(): Promise<Answer> {
    if (way === 'unknown') return askBothWays();
    if (way === 'records') {
      const answer = await records(name);
      const lost = [...answer.failures].find(([family]) => families.has(family));
      // A family that does not answer, for now, has not lost its addresses.
      if (lost) throw lost[1];
      if (answer.addresses.length > 0) return answer;
    }
    way = 'unknown';
    const answer = await getaddrinfo(name);
    way = 'getaddrinfo';
    return answer;
  }

  /**
   * Records only count if getaddrinfo finds the same: to resolve4, `api.dev` is a name of the Internet, where for a pod
   * it is first of all the Service api in the namespace dev.
   */
  async function askBothWays(): Promise<Answer> {
    pending ??= records(name).finally(() => {
      pending = undefined;
    });
    const asked = pending;
    let found: Answer;
    try {
      found = await getaddrinfo(name);
    } catch (error) {
      // Unless it has looked everywhere in vain, the records may be those of another name.
      const answer = NONE.has(codeOf(error)) ? await asked : undefined;
      if (!answer || answer.addresses.length === 0) throw error;
      return answer;
    }
    const answer = await within(GRACE_MS, asked);
    // Too late for this time says nothing about the next, which waits for the same ones if they are still to come.
    if (!answer) return found;
    if (!answer.addresses.some((address) => found.addresses.includes(address))) {
      way = 'getaddrinfo';
      return found;
    }
    const complete = found.addresses.every((address) => answer.addresses.includes(address));
    if (complete && answer.failures.size === 0) way = 'records';
    return { ...found, ttlMs: answer.ttlMs };
  }

  return async () => {
    const { addresses, ttlMs } = await ask();
    families = new Set(addresses.map(familyOf));
    return { addresses, ttlMs };
  };
}

async function getaddrinfo(name: string): Promise<Answer> {
  const found = await dns.promises.lookup(name, { all: true });
  return { addresses: sorted(found.map(({ address }) => address)), ttlMs: undefined };
}

async function records(name: string): Promise<Records> {
  const [v4, v6] = await Promise.allSettled([
    dns.promises.resolve4(name, { ttl: true }),
    dns.promises.resolve6(name, { ttl: true }),
  ]);
  const failures = new Map<Family, Error>();
  const found: dns.RecordWithTtl[] = [];
  for (const [family, result] of [[4, v4] as const, [6, v6] as const]) {
    if (result.status === 'fulfilled') found.push(...result.value);
    else if (!NONE.has(codeOf(result.reason))) failures.set(family, result.reason as Error);
  }
  const ttlMs = found.length > 0 ? Math.min(...found.map(({ ttl }) => ttl)) * 1000 : undefined;
  return { addresses: sorted(found.map(({ address }) => address)), ttlMs, failures };
}

const sorted = (addresses: string[]): string[] => [...new Set(addresses)].sort();

const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** @returns undefined when it takes longer. */
async function within<T>(ms: number, answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined).unref();
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
