// The EndpointSlices of one Service, listed and then watched for as long as anybody listens. One watch serves all
// channels of the process that ask the same.
import type { Logger } from '../../logger.ts';
import { createBackoff } from '../backoff.ts';
import { createOutage } from '../outage.ts';
import { createPause } from '../pause.ts';
import { type ApiClient, ApiError, type ApiTimes, createApiClient, type WatchEvent } from './api-client.ts';
import { type KubernetesOptions, loadApiConfig } from './api-config.ts';
import type { EndpointSlice } from './endpoints.ts';

export type SliceQuestion = { service: string; namespace: string | undefined; options: KubernetesOptions };

/** None of these is called once the watch was released. */
export type SliceListener = {
  /** Asked each time. */
  loggers: () => Iterable<Logger>;
  /** All slices that there are now. @param service such as `greeter.shop`. */
  onSlices: (slices: Iterable<EndpointSlice>, service: string) => void;
  /** What `onSlices` said last is what the API says now. */
  onFresh: () => void;
  /** Only as long as there was no list; it is tried again. */
  onFailure: (reason: string) => void;
};

export type SliceWatchTimes = ApiTimes & {
  /** Back-off of what failed several times. */
  backoff: { firstMs: number; maxMs: number };
  /** Back-off of watches that were answered and ended at once: each brings what happened since the one before. */
  cutBackoff: { firstMs: number; maxMs: number };
  /** A watch that was answered and has lived for this long is good. */
  settledMs: number;
  /** Life of a watch, drawn from this range, so that clients do not renew theirs all at once. */
  watchS: { min: number; max: number };
  /** For the API to end a watch by itself. */
  graceMs: number;
  /** Between attempts, when somebody asks for one during the back-off. */
  askedMs: number;
};

const defaultTimes: SliceWatchTimes = {
  connectMs: 5000,
  answerMs: 30_000,
  backoff: { firstMs: 100, maxMs: 30_000 },
  cutBackoff: { firstMs: 100, maxMs: 1000 },
  settledMs: 500,
  watchS: { min: 240, max: 300 },
  graceMs: 15_000,
  askedMs: 1000,
};

const watches = new Map<string, SliceWatch>();

/** Begins, or joins, a watch. @returns how to ask for a new attempt while the API is away, and how to leave. */
export function watchSlices(question: SliceQuestion, listener: SliceListener, times = defaultTimes) {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST } = process.env;
  const key = JSON.stringify([question, times, KUBECONFIG, KUBERNETES_SERVICE_HOST]);
  const watch = watches.get(key) ?? new SliceWatch(question, times);
  watches.set(key, watch);
  watch.join(listener);
  return {
    retrySoon: () => watch.retrySoon(),
    release(): void {
      if (watch.leave(listener) && watches.get(key) === watch) watches.delete(key);
    },
  };
}

class SliceWatch {
  readonly #question: SliceQuestion;
  readonly #times: SliceWatchTimes;
  readonly #listeners = new Set<SliceListener>();
  readonly #pause = createPause();
  readonly #outage = createOutage(() => [...this.#listeners].flatMap(({ loggers }) => [...loggers()]));
  readonly #backoff: ReturnType<typeof createBackoff>;
  readonly #cutBackoff: ReturnType<typeof createBackoff>;
  /** By name; undefined before the first list. */
  #slices: Map<string, EndpointSlice> | undefined;
  #api: ApiClient | undefined;
  /** `greeter.shop`, once the namespace is known. */
  #service: string;
  #namespace = '';
  /** Of before the first list. */
  #lastFailure: string | undefined;
  /** The time, as of `performance.now()`, from which the next attempt may be made when somebody asks for it. */
  #retryFromMs = Number.POSITIVE_INFINITY;
  /** The version from which to watch is gone, and no watch has been good since. */
  #gone = false;
  #running = false;
  #stopped = false;

  constructor(question: SliceQuestion, times: SliceWatchTimes) {
    this.#question = question;
    this.#times = times;
    this.#service = [question.service, question.namespace ?? []].flat().join('.');
    this.#backoff = createBackoff(times.backoff);
    this.#cutBackoff = createBackoff(times.cutBackoff);
  }

  join(listener: SliceListener): void {
    this.#listeners.add(listener);
    if (this.#slices) listener.onSlices(this.#slices.values(), this.#service);
    else if (this.#lastFailure !== undefined) listener.onFailure(this.#lastFailure);
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  /** @returns whether it was the last one, and all is over. */
  leave(listener: SliceListener): boolean {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return false;
    this.#stopped = true;
    this.#api?.close();
    this.#pause.end();
    return true;
  }

  /** Connections to endpoints were lost: the list may be old, and the API back. */
  retrySoon(): void {
    this.#pause.endBy(this.#retryFromMs);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#session();
      } catch (error) {
        if (!this.#stopped) await this.#pause.wait(this.#failed(error));
      }
    }
  }

  /** A list and its watches, on connections of their own; the configuration may have changed since the last one. */
  async #session(): Promise<void> {
    const { service, namespace, options } = this.#question;
    this.#retryFromMs = Number.POSITIVE_INFINITY;
    this.#api = undefined;
    const config = await loadApiConfig(options);
    if (this.#stopped) return;
    this.#namespace = namespace ?? config.namespace;
    this.#service = `${service}.${this.#namespace}`;
    const api = createApiClient(config, this.#times);
    this.#api = api;
    try {
      while (!this.#stopped) await this.#watch(api, await this.#list(api));
    } finally {
      api.close();
    }
  }

  #path(query: Record<string, string>): string {
    const labelSelector = `kubernetes.io/service-name=${this.#question.service}`;
    const search = new URLSearchParams({ labelSelector, ...query });
    return `/apis/discovery.k8s.io/v1/namespaces/${this.#namespace}/endpointslices?${search}`;
  }

  /**
   * Without a resourceVersion, for the newest state: never older than what is known already.
   * @returns the version from which to watch.
   */
  async #list(api: ApiClient): Promise<string> {
    const list = (await api.get(this.#path({}))) as {
      metadata?: { resourceVersion?: string };
      items?: EndpointSlice[] | null;
    };
    // All of them: slices that went away while nobody watched are in no event.
    this.#slices = new Map((list.items ?? []).map((slice) => [nameOf(slice), slice]));
    this.#tell();
    this.#fresh();
    return list.metadata?.resourceVersion ?? '0';
  }

  /** Watches, one after the other, each from where the last one ended. Returns when that is too long ago. */
  async #watch(api: ApiClient, fromVersion: string): Promise<void> {
    let version = fromVersion;
    while (!this.#stopped) {
      let settled: NodeJS.Timeout | undefined;
      let good = false;
      const isGood = () => {
        good = true;
        this.#good();
      };
      try {
        for await (const events of this.#open(api, version)) {
          settled ??= setTimeout(isGood, this.#times.settledMs).unref();
          const reached = this.#apply(events, version);
          if (reached !== version) isGood();
          version = reached;
        }
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 410) throw error;
        if (this.#gone) throw new Error(`a watch is refused right after a list: ${error.message}`);
        this.#gone = true;
        return;
      } finally {
        clearTimeout(settled);
      }
      if (!good && !this.#stopped) await this.#pause.wait(this.#cutBackoff.nextMs());
    }
  }

  #open(api: ApiClient, resourceVersion: string): AsyncGenerator<WatchEvent[]> {
    const { watchS, graceMs } = this.#times;
    const timeoutSeconds = Math.round(watchS.min + Math.random() * (watchS.max - watchS.min));
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: `${timeoutSeconds}`,
    };
    return api.watch(this.#path(query), timeoutSeconds * 1000 + graceMs);
  }

  /** @returns the version after these events. @throws ApiError for an event that says that the watch failed. */
  #apply(events: WatchEvent[], fromVersion: string): string {
    const slices = this.#slices ?? new Map<string, EndpointSlice>();
    let version = fromVersion;
    let changed = false;
    for (const { type, object } of events) {
      if (type === 'ERROR') {
        if (changed) this.#tell();
        throw errorOf(object);
      }
      const slice = object as EndpointSlice;
      version = slice.metadata?.resourceVersion ?? version;
      if (type === 'BOOKMARK') continue;
      changed = true;
      if (type === 'DELETED') slices.delete(nameOf(slice));
      else slices.set(nameOf(slice), slice);
    }
    if (changed) this.#tell();
    if (events.length > 0) this.#fresh();
    return version;
  }

  #tell(): void {
    for (const { onSlices } of this.#listeners) onSlices(this.#slices?.values() ?? [], this.#service);
  }

  #fresh(): void {
    for (const { onFresh } of this.#listeners) onFresh();
  }

  /** A watch was answered, and is of use: what comes now is a failure of its own. */
  #good(): void {
    this.#outage.ends(`EndpointSlices of ${this.#service} can be watched again`);
    this.#gone = false;
    this.#backoff.reset();
    this.#cutBackoff.reset();
  }

  /** @returns how long to wait before the next attempt, in ms. */
  #failed(error: unknown): number {
    const reason = this.#reason(error);
    this.#lastFailure = reason;
    if (this.#slices) {
      this.#outage.begins(
        `EndpointSlices of ${this.#service} cannot be watched: ${reason}. Keeping the endpoints of the last list`,
      );
    } else {
      for (const { onFailure } of this.#listeners) onFailure(reason);
      this.#outage.begins(`EndpointSlices of ${this.#service} cannot be read: ${reason}. Trying again`);
    }
    const { backoff, askedMs } = this.#times;
    const leastMs = error instanceof ApiError ? Math.min(error.retryAfterMs, backoff.maxMs) : 0;
    this.#retryFromMs = performance.now() + Math.max(leastMs, askedMs * (1 + Math.random()));
    return Math.max(leastMs, this.#backoff.nextMs());
  }

  #reason(error: unknown): string {
    const said = messageOf(error);
    if (!(error instanceof ApiError)) return this.#api ? `Kubernetes API ${this.#api.server}: ${said}` : said;
    switch (error.status) {
      case 401:
        return `the Kubernetes API does not accept the credentials: ${said}`;
      case 403:
        return (
          `${said}. Needed are the verbs get, list and watch on endpointslices.discovery.k8s.io ` +
          `in namespace ${this.#namespace}: see manifests/rbac.yaml of grpc-kit`
        );
      case 404:
        return `the Kubernetes API has no discovery.k8s.io/v1, which came with Kubernetes 1.21: ${said}`;
      default:
        return said;
    }
  }
}

const nameOf = ({ metadata }: EndpointSlice): string => metadata?.name ?? '';

function errorOf(status: unknown): ApiError {
  const { code = 0, message = 'the watch failed' } = status as { code?: number; message?: string };
  return new ApiError(code, `${code} ${message}`);
}

/** Of several addresses that were tried in vain, Node says nothing in the message itself. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
