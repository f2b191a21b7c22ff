// Answers of the two ways to ask, which the test says and may change at any time.
import dns from 'node:dns';
import { vi } from 'vitest';

/** Addresses; an error code; or an answer that comes late. */
export type Told = string[] | string | Promise<string[]>;

export function fakeDns() {
  const told = {
    a: [] as Told,
    aaaa: 'ENODATA' as Told,
    lookup: 'ENOTFOUND' as Told,
    /** Of every record, in seconds. */
    ttl: 30,
  };
  const asked: string[] = [];
  async function answer(kind: 'a' | 'aaaa' | 'lookup', name: string): Promise<string[]> {
    asked.push(kind);
    const now = told[kind];
    if (typeof now !== 'string') return now;
    throw Object.assign(new Error(`${kind} ${now} ${name}`), { code: now });
  }

  const records = async (kind: 'a' | 'aaaa', name: string) =>
    (await answer(kind, name)).map((address) => ({ address, ttl: told.ttl }));
  vi.spyOn(dns.promises, 'resolve4').mockImplementation(((name: string) => records('a', name)) as never);
  vi.spyOn(dns.promises, 'resolve6').mockImplementation(((name: string) => records('aaaa', name)) as never);
  vi.spyOn(dns.promises, 'lookup').mockImplementation((async (name: string) =>
    (await answer('lookup', name)).map((address) => ({ address, family: 4 }))) as never);
  return {
    told,
    asked,
    /** Takes what was asked since the last time. */
    takeAsked: () => asked.splice(0).sort().join(' '),
  };
}
