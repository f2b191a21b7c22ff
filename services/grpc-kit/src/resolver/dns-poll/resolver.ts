import { isIP } from 'node:net';
import { channelContext } from '../../channel-context.ts';
import type { GrpcUri, Options, Resolver, ResolverListener } from '../../grpc-experimental.ts';
import { resolverFresh } from '../../telemetry.ts';
import { createBackoff } from '../backoff.ts';
import { createOutage } from '../outage.ts';
import { createPause } from '../pause.ts';
import { createSubscription, type StartSource } from '../sharing.ts';
import { createQuestion } from './question.ts';
import { type DnsPollTarget, parseTarget } from './target.ts';

/** A question that takes longer counts as failed. Its answer is taken when it comes, and the next waits for it. */
const ANSWER_MS = 5000;
/** From the start of one question to the next, when the channel asks for it. */
const ASKED_MS = 1000;
/** Records of 0 would be asked for all the time. */
const MIN_TTL_MS = 1000;
const BACKOFF = { firstMs: 500, maxMs: 30_000 };

/**
 * Resolves `dns-poll:///name:port` by asking DNS again and again, which the `dns:` of grpc-js does not: there only a
 * connection that breaks leads to another question, so that new pods behind a headless Service get no calls.
 *
 * - `interval`, 30s: from one question to the next. Units are ms, s, m and h; 100ms to 24h.
 * - `jitter`, 0.1: share by which each interval is varied to either side.
 * - `ttl`, respect: records that live shorter than the interval, though not below 1 s, are asked for again when they
 *   are over; `ignore` keeps to the interval.
 *
 * A question that fails, or finds nothing, leaves the addresses as they were. Without any, the channel gets an error,
 * UNAVAILABLE.
 */
export class DnsPollResolver implements Resolver {
  readonly #subscription: ReturnType<typeof createSubscription>;

  /** @throws when the target is not well-formed. */
  constructor(target: GrpcUri, listener: ResolverListener, channelOptions: Options) {
    const parsed = parseTarget(target);
    const key = JSON.stringify(['dns-poll', parsed]);
    const question = { key, target: parsed.text, start: poll(parsed) };
    this.#subscription = createSubscription(question, listener, channelContext(channelOptions).logger);
  }

  /** @returns `name:port`. @throws as the constructor. */
  static getDefaultAuthority(target: GrpcUri): string {
    return parseTarget(target).authority;
  }

  updateResolution(): void {
    this.#subscription.updateResolution();
  }

  destroy(): void {
    this.#subscription.destroy();
  }
}

function poll({ text, host, port, intervalMs, jitter, respectTtl }: DnsPollTarget): StartSource {
  return (publish, loggers) => {
    const outage = createOutage(loggers);
    const backoff = createBackoff(BACKOFF);
    const pause = createPause();
    const ask = createQuestion(host);
    let stopped = false;
    let addresses: string[] | undefined;
    let failure: string | undefined;
    let startedMs = 0;

    function succeeded(found: string[]): void {
      if (stopped) return;
      backoff.reset();
      outage.ends(`${text}: DNS answers again`);
      resolverFresh(text);
      failure = undefined;
      if (JSON.stringify(found) === JSON.stringify(addresses)) return;
      addresses = found;
      const endpoints = found.map((address) => ({ addresses: [{ host: address, port }] }));
      publish({ ok: true, endpoints, note: `DNS has ${found.length} addresses of ${host}` });
    }

    function failed(problem: string): void {
      if (stopped) return;
      if (addresses) {
        outage.begins(`${text}: ${problem}. Keeping the ${addresses.length} addresses known`);
        return;
      }
      outage.begins(`${text}: ${problem}. Trying again`);
      if (problem === failure) return;
      failure = problem;
      publish({ ok: false, problem });
    }

    /** @returns when to ask again, in ms after `startedMs`. */
    async function question(): Promise<number> {
      startedMs = performance.now();
      const late = setTimeout(failed, ANSWER_MS, `DNS did not answer within ${ANSWER_MS / 1000} s`).unref();
      try {
        const { addresses: found, ttlMs } = await ask();
        succeeded(found);
        return nextMs(ttlMs);
      } catch (error) {
        failed((error as Error).message);
        // Counted from now: a question may take long to fail.
        return performance.now() - startedMs + Math.min(backoff.nextMs(), intervalMs);
      } finally {
        clearTimeout(late);
      }
    }

    function nextMs(ttlMs = Number.POSITIVE_INFINITY): number {
      const liveMs = respectTtl ? Math.max(ttlMs, MIN_TTL_MS) : Number.POSITIVE_INFINITY;
      return Math.min(intervalMs, liveMs) * (1 + jitter * (2 * Math.random() - 1));
    }

    async function run(): Promise<void> {
      while (!stopped) {
        const next = await question();
        if (!stopped) await pause.wait(startedMs + next - performance.now());
      }
    }

    if (isIP(host)) succeeded([host]);
    else void run();

    return {
      askSoon: () => pause.endBy(startedMs + ASKED_MS),
      stop(): void {
        stopped = true;
        pause.end();
      },
    };
  };
}
