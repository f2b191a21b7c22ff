// Lists and watches a kind of object until it is told to stop.
import { setTimeout as delay } from 'node:timers/promises';
import { type KubernetesListObject, type KubernetesObject, Watch } from '@kubernetes/client-node';
import { nowMs } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { type ClusterApi, statusOf } from './api.ts';

export type Seen<T> = {
  object: T;
  /** The object is gone; `object` is its last state. */
  deleted: boolean;
  /** When the event arrived here. Status times have steps of a second; this one does not. */
  atMs: number;
};

export type WatchOptions<T extends KubernetesObject> = {
  /** `/api/v1/namespaces/x/pods` */
  path: string;
  labelSelector?: string;
  list: () => Promise<KubernetesListObject<T>>;
  onSeen: (seen: Seen<T>) => void;
  /** The API server could not be reached, or what happened in between is lost; watching goes on. */
  onGap: (reason: string) => void;
};

/**
 * Watches until `signal` aborts. The first list has been told by the time this resolves; later events follow.
 * A watch that ends is taken up where it ended; after `410 Gone` the list is read again, which is told as a gap.
 */
export async function watchObjects<T extends KubernetesObject>(
  api: ClusterApi,
  options: WatchOptions<T>,
  signal: AbortSignal,
): Promise<{ stopped: Promise<void> }> {
  const known = new Map<string, T>();
  const tell = (object: T, deleted: boolean) => {
    const uid = object.metadata?.uid ?? '';
    if (deleted) known.delete(uid);
    else known.set(uid, object);
    options.onSeen({ object, deleted, atMs: nowMs() });
  };
  const relist = async (): Promise<string> => {
    const list = await options.list();
    const there = new Set(list.items.map(({ metadata }) => metadata?.uid));
    for (const [uid, object] of known) if (!there.has(uid)) tell(object, true);
    for (const object of list.items) {
      const before = known.get(object.metadata?.uid ?? '');
      if (before?.metadata?.resourceVersion !== object.metadata?.resourceVersion) tell(object, false);
    }
    return list.metadata?.resourceVersion ?? '';
  };

  let version = await relist();
  const follow = async () => {
    while (!signal.aborted) {
      const end = await watchOnce(api, options, version, signal, (type, object) => {
        version = object.metadata?.resourceVersion ?? version;
        if (type !== 'BOOKMARK') tell(object, type === 'DELETED');
      });
      if (signal.aborted || end === undefined) continue;
      options.onGap(`a watch of ${options.path} broke off: ${end}`);
      await delay(500, undefined, { signal }).catch(() => {});
      version = await relist().catch(() => version);
    }
  };
  return { stopped: follow() };
}

/** @returns undefined when it ended as watches do, the reason when it did not. */
async function watchOnce<T extends KubernetesObject>(
  api: ClusterApi,
  { path, labelSelector }: WatchOptions<T>,
  resourceVersion: string,
  signal: AbortSignal,
  onEvent: (type: string, object: T) => void,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const ended = new AbortController();
    const end = (reason: string | undefined) => {
      ended.abort();
      resolve(reason);
    };
    const query = { resourceVersion, allowWatchBookmarks: true, ...(labelSelector ? { labelSelector } : {}) };
    const onDone = (error: unknown) => end(isNormalEnd(error) ? undefined : messageOf(error));
    // client-node swallows what its callback throws: an error event is therefore turned into an end by hand.
    const onLine = (type: string, object: T & { message?: string }) => {
      if (type === 'ERROR') end(object.message ?? 'the API server sent an error');
      else onEvent(type, object);
    };
    new Watch(api.kubeConfig).watch(path, query, onLine, onDone).then((controller) => {
      ended.signal.addEventListener('abort', () => controller.abort(), { once: true });
      if (ended.signal.aborted) controller.abort();
    }, onDone);
    signal.addEventListener('abort', () => end(undefined), { once: true, signal: ended.signal });
    if (signal.aborted) end(undefined);
  });
}

/** A quiet watch is ended by client-node after 30 s with a TimeoutError. */
function isNormalEnd(error: unknown): boolean {
  if (error === undefined || error === null) return true;
  const name = (error as { name?: unknown }).name;
  return statusOf(error) === undefined && (name === 'TimeoutError' || name === 'AbortError');
}
