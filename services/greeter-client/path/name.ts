// Names, as the pod's own resolver has them.
import { readFileSync } from 'node:fs';
import type { PathProbeAnswer } from '../../protocol/index.ts';
import { probeDns } from '../dns.ts';

type Lookup = PathProbeAnswer['lookup'];
type ResolvConf = NonNullable<PathProbeAnswer['resolvConf']>;

/** By name: lookups that have not ended. */
const underWay = new Map<string, Promise<Lookup>>();

/**
 * Asks with the call that grpc-js resolves with. It cannot be called off: one that takes longer than `timeoutMs` is
 * ETIMEDOUT here, and goes on unheard in a thread of Node's pool until the system's resolver gives up. There are four:
 * whoever asks for that name meanwhile waits for the same one, and the client's own lookups find a thread.
 */
export async function lookUp(name: string, timeoutMs: number): Promise<Lookup> {
  const { promise: late, resolve } = Promise.withResolvers<Lookup>();
  const timer = setTimeout(resolve, timeoutMs, { ms: timeoutMs, error: 'ETIMEDOUT', addresses: [] });
  const asked = underWay.get(name) ?? ask(name).finally(() => underWay.delete(name));
  underWay.set(name, asked);
  try {
    return await Promise.race([late, asked]);
  } finally {
    clearTimeout(timer);
  }
}

async function ask(name: string): Promise<Lookup> {
  const { ms, ...answer } = await probeDns(name, 'lookup', 'given');
  return 'error' in answer ? { ms, error: answer.error, addresses: [] } : { ms, addresses: answer.records };
}

/** Read at once, not in Node's pool of threads: there it would wait for lookups that hang. */
export function readResolvConf(file = '/etc/resolv.conf'): ResolvConf | undefined {
  try {
    return parseResolvConf(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Of several lines `search` the last counts. Source: resolv.conf(5). */
export function parseResolvConf(text: string): ResolvConf {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const valuesOf = (keyword: string) =>
    lines.filter(([first]) => first === keyword).map(([, ...values]) => values);
  return {
    nameservers: valuesOf('nameserver').flat(),
    search: valuesOf('search').at(-1) ?? [],
    options: valuesOf('options').flat(),
  };
}
