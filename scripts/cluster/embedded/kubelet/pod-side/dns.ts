// dns.lookup as getaddrinfo does it with a pod's resolv.conf (search domains, ndots:5, A and AAAA, 5 s, two attempts);
// everything else of node:dns asks the cluster's server, and has no search list there either.
import dns from 'node:dns';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import type { PodSide } from './config.ts';

const NDOTS = 5;
const ATTEMPTS = 2;
const errors = { ENOTFOUND: -3008, EAI_AGAIN: -3001 } as const;
type ErrorCode = keyof typeof errors;

type Answer = ErrorCode | dns.LookupAddress[];
type Options = { family: number; all: boolean };
type Callback = (error: Error | null, address?: unknown, family?: number) => void;

export function usePodDns(pod: PodSide): void {
  const server = `${pod.dns.address}:${pod.dns.port}`;
  // One attempt each: c-ares would wait longer the second time.
  const resolver = new dns.promises.Resolver({ timeout: pod.dns.timeoutMs, tries: 1 });
  resolver.setServers([server]);
  dns.setServers([server]);
  dns.Resolver = withServer(dns.Resolver, server);
  dns.promises.Resolver = withServer(dns.promises.Resolver, server);

  async function resolve(hostname: string, { family, all }: Options) {
    const found =
      literal(hostname) ?? ownName(pod, hostname, family) ?? (await search(pod, resolver, hostname, family));
    if (typeof found === 'string') throw lookupError(found, hostname);
    return all ? found : (found[0] as dns.LookupAddress);
  }

  function lookup(hostname: string, ...rest: unknown[]): void {
    const callback = rest.pop() as Callback;
    if (typeof callback !== 'function') {
      throw Object.assign(new TypeError('The "callback" argument must be of type function.'), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
    }
    const options = readOptions(rest[0]);
    const answer = options.all
      ? (found: unknown) => callback(null, found)
      : (found: unknown) =>
          callback(null, ...(Object.values(found as dns.LookupAddress) as [string, number]));
    if (!hostname) return void process.nextTick(callback, null, options.all ? [] : null, options.family || 4);
    // Out of the promise, so that what the callback throws is thrown as from any callback.
    resolve(hostname, options).then(
      (found) => process.nextTick(answer, found),
      (error: Error) => process.nextTick(callback, error),
    );
  }
  const lookupPromise = (hostname: string, options?: unknown) => resolve(hostname, readOptions(options));
  dns.lookup = Object.assign(lookup, { [promisify.custom]: lookupPromise }) as unknown as typeof dns.lookup;
  dns.promises.lookup = lookupPromise as typeof dns.promises.lookup;
}

/** A resolver of its own reads the machine's resolv.conf. */
function withServer<R extends new (options?: dns.ResolverOptions) => { setServers(servers: string[]): void }>(
  Resolver: R,
  server: string,
): R {
  const Base = Resolver as new (options?: dns.ResolverOptions) => { setServers(servers: string[]): void };
  const PodResolver = class extends Base {
    constructor(options?: dns.ResolverOptions) {
      super(options);
      this.setServers([server]);
    }
  };
  Object.defineProperty(PodResolver, 'name', { value: Resolver.name });
  return PodResolver as R;
}

function readOptions(given: unknown): Options {
  const options =
    typeof given === 'object' && given !== null ? (given as dns.LookupOptions) : { family: given };
  const { family } = options as { family?: unknown };
  const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : Number(family ?? 0);
  return { family: wanted, all: (options as dns.LookupOptions).all === true };
}

function literal(hostname: string): dns.LookupAddress[] | undefined {
  const family = isIP(hostname);
  return family ? [{ address: hostname, family }] : undefined;
}

/** What a pod's /etc/hosts knows. */
function ownName({ ip, hostname: own }: PodSide, hostname: string, family: number): Answer | undefined {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  if (name !== 'localhost' && name !== own) return undefined;
  if (family === 6) return name === 'localhost' ? [{ address: '::1', family: 6 }] : 'ENOTFOUND';
  return [{ address: name === own ? ip : '127.0.0.1', family: 4 }];
}

async function search(
  pod: PodSide,
  resolver: dns.promises.Resolver,
  hostname: string,
  family: number,
): Promise<Answer> {
  let failed = false;
  for (const name of candidates(pod, hostname)) {
    const answer = await ask(resolver, name, family);
    if (Array.isArray(answer)) return answer;
    if (answer === 'silent') return 'EAI_AGAIN';
    if (answer === 'failed') failed = true;
  }
  return failed ? 'EAI_AGAIN' : 'ENOTFOUND';
}

function candidates(pod: PodSide, hostname: string): string[] {
  if (hostname.endsWith('.')) return [hostname.slice(0, -1)];
  const searched = pod.search.map((domain) => `${hostname}.${domain}`);
  const dots = hostname.split('.').length - 1;
  return dots >= NDOTS ? [hostname, ...searched] : [...searched, hostname];
}

type Verdict = 'none' | 'failed' | 'silent';

async function ask(
  resolver: dns.promises.Resolver,
  name: string,
  family: number,
): Promise<dns.LookupAddress[] | Verdict> {
  let verdict: Verdict = 'none';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const asked = [
      ...(family === 6 ? [] : [addresses(4, resolver.resolve4(name))]),
      ...(family === 4 ? [] : [addresses(6, resolver.resolve6(name))]),
    ];
    const answers = await Promise.all(asked);
    const found = answers.flatMap((answer) => (typeof answer === 'string' ? [] : answer));
    if (found.length > 0) return found;
    verdict = answers.includes('silent') ? 'silent' : answers.includes('failed') ? 'failed' : 'none';
    if (verdict === 'none') return verdict;
  }
  return verdict;
}

async function addresses(family: 4 | 6, answer: Promise<string[]>): Promise<dns.LookupAddress[] | Verdict> {
  try {
    return (await answer).map((address) => ({ address, family }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTFOUND' || code === 'ENODATA') return 'none';
    return code === 'ETIMEOUT' || code === 'ECONNREFUSED' ? 'silent' : 'failed';
  }
}

function lookupError(code: ErrorCode, hostname: string): Error {
  const error = new Error(`getaddrinfo ${code} ${hostname}`);
  return Object.assign(error, { errno: errors[code], code, syscall: 'getaddrinfo', hostname });
}
