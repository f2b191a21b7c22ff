// Channels of one process that have the same target share what resolves it.
import { status } from '@grpc/grpc-js';
import {
  type Endpoint,
  LOCALITIES,
  NO_ENDPOINTS,
  type ResolverListener,
  statusOrFromError,
  statusOrFromValue,
} from '../grpc-experimental.ts';
import type { Logger } from '../logger.ts';
import { resolverClosed, resolverUpdated } from '../telemetry.ts';
import type { Localities } from './localities.ts';

/** What a target resolves to, or why to nothing. Endpoints are at least one: an empty list makes calls hang. */
export type Resolution =
  | {
      ok: true;
      endpoints: Endpoint[];
      /** undefined: where endpoints are cannot be known. */
      localities?: Localities;
      /** Follows what grpc-js says when it cannot connect. */
      note: string;
    }
  | { ok: false; problem: string };

/** Resolves one target until it is stopped. */
export type Source = {
  /** A channel has lost connections: what is known may be old. */
  askSoon: () => void;
  stop: () => void;
};

/** @param publish must not be called after `stop`. @param loggers those of all channels, at the time. */
export type StartSource = (
  publish: (resolution: Resolution) => void,
  loggers: () => Iterable<Logger>,
) => Source;

export type Question = {
  /** The same for those who can share. */
  key: string;
  target: string;
  start: StartSource;
};

type Subscriber = { listener: ResolverListener; logger: Logger; told?: Resolution };

/** @returns the two methods of a grpc-js resolver. */
export function createSubscription(question: Question, listener: ResolverListener, logger: Logger) {
  let joined: { askSoon: () => void; leave: () => void } | undefined;
  return {
    updateResolution(): void {
      if (joined) joined.askSoon();
      else joined = join(question, { listener, logger });
    },
    destroy(): void {
      joined?.leave();
      joined = undefined;
    },
  };
}

const shared = new Map<string, SharedSource>();

function join(question: Question, subscriber: Subscriber) {
  const source = shared.get(question.key) ?? new SharedSource(question);
  shared.set(question.key, source);
  source.add(subscriber);
  return {
    askSoon: () => source.askSoon(),
    leave: () => source.remove(subscriber) && shared.delete(question.key),
  };
}

class SharedSource {
  readonly #question: Question;
  readonly #subscribers = new Set<Subscriber>();
  #source: Source | undefined;
  #latest: Resolution | undefined;

  constructor(question: Question) {
    this.#question = question;
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    // grpc-js does not expect to hear of it before `updateResolution` has returned.
    queueMicrotask(() => {
      if (!this.#subscribers.has(subscriber)) return;
      if (this.#source) return this.#tell(subscriber);
      this.#source = this.#start();
      // What it published at once may have made all leave.
      if (this.#subscribers.size === 0) this.#source.stop();
    });
  }

  /** @returns whether it was the last one, and all is over. */
  remove(subscriber: Subscriber): boolean {
    if (!this.#subscribers.delete(subscriber) || this.#subscribers.size > 0) return false;
    this.#source?.stop();
    resolverClosed(this.#question.target);
    return true;
  }

  askSoon(): void {
    this.#source?.askSoon();
  }

  #start(): Source {
    const publish = (resolution: Resolution) => {
      this.#latest = resolution;
      const endpoints = resolution.ok ? resolution.endpoints.length : 0;
      resolverUpdated(this.#question.target, resolution.ok ? 'ok' : 'error', endpoints);
      for (const subscriber of [...this.#subscribers]) this.#tell(subscriber);
    };
    return this.#question.start(publish, () => [...this.#subscribers].map(({ logger }) => logger));
  }

  #tell(subscriber: Subscriber): void {
    const resolution = this.#latest;
    // One that was told may have made another leave.
    if (!resolution || subscriber.told === resolution || !this.#subscribers.has(subscriber)) return;
    subscriber.told = resolution;
    try {
      this.#pass(resolution, subscriber.listener);
    } catch (error) {
      // A fault of the channel's own, which neither other channels nor the source shall take for one of theirs.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #pass(resolution: Resolution, listener: ResolverListener): void {
    if (resolution.ok) {
      const { endpoints, localities, note } = resolution;
      const attributes = localities ? { [LOCALITIES]: localities } : {};
      listener(statusOrFromValue(endpoints), attributes, null, note);
    } else {
      const details = `Name resolution failed for target ${this.#question.target}: ${resolution.problem}`;
      // No source says so as long as what it found before may still do.
      const attributes = { [NO_ENDPOINTS]: true };
      listener(statusOrFromError({ code: status.UNAVAILABLE, details }), attributes, null, '');
    }
  }
}
