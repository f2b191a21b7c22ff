// The stream of a watch. A change that makes an object match, or no longer match, is told as ADDED or DELETED.
import { ApiError, badRequest } from '../errors.ts';
import type { KubeObject } from '../objects.ts';
import type { Change, Store } from '../store.ts';
import { timerMs } from '../timer.ts';
import { isTrue, type ResourceRequest } from './request.ts';
import { type Response, requestedTable, sendError, sendHead, statusOf, wantsTable } from './respond.ts';
import { includeOf } from './table.ts';

type WatchEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'; object: unknown };
type Matches = (object: KubeObject) => boolean;

const BOOKMARK_MS = 60_000;
/** Where a client says nothing. Kubernetes takes 30 to 60 minutes. */
const DEFAULT_TIMEOUT_S = 1800;
/** Bytes that may wait for a reader before it is dropped. */
const MOST_WAITING = 4 * 1024 * 1024;

/** Streams until the time-out, the client or `signal` ends it. @param matches its selectors and namespace. */
export function watch(
  store: Store,
  request: ResourceRequest,
  matches: Matches,
  response: Response,
  { signal, log }: { signal: AbortSignal; log: (text: string) => void },
): void {
  const { query, resource } = request;
  const asked = query.get('timeoutSeconds') ?? '';
  if (!/^-?\d*$/.test(asked)) throw badRequest('timeoutSeconds is not a number');
  // As in Kubernetes, nothing and zero are the same.
  const timeoutS = Number(asked) || DEFAULT_TIMEOUT_S;
  const asTable = wantsTable(request);
  if (asTable) includeOf(query.get('includeObject'));
  const bookmarks = isTrue(query.get('allowWatchBookmarks'));
  sendHead(response, 200, { 'content-type': 'application/json' });

  let columnsTold = false;
  const shown = (object: KubeObject): unknown => {
    if (!asTable) return object;
    const table = requestedTable(request, [object]);
    // As Kubernetes does: the columns come with the first event only.
    const told = columnsTold ? { ...table, columnDefinitions: null } : table;
    columnsTold = true;
    return told;
  };
  const send = (event: WatchEvent): void => {
    if (response.writableEnded || response.destroyed) return;
    response.write(`${JSON.stringify(event)}\n`);
    if (response.writableLength > MOST_WAITING) drop();
  };
  const bookmark = (annotations?: Record<string, string>): void =>
    send({
      type: 'BOOKMARK',
      object: {
        kind: resource.kind,
        apiVersion: resource.group ? `${resource.group}/v1` : 'v1',
        metadata: { resourceVersion: String(store.version()), ...(annotations ? { annotations } : {}) },
      },
    });
  const tell = (change: Change): void => {
    if (change.resource !== resource.name) return;
    const event = eventOf(change, matches);
    if (event) send({ type: event.type, object: shown(event.object) });
  };

  const stop = store.listen((change) => {
    try {
      tell(change);
    } catch (error) {
      // What cannot be told to one must not keep it from those that come after.
      close();
      sendError(response, error, log);
    }
  });
  const timers = [
    setTimeout(end, timerMs(Math.max(1, timeoutS) * 1000)),
    setInterval(() => bookmarks && bookmark(), BOOKMARK_MS),
  ];
  function close(): void {
    stop();
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
  function end(): void {
    if (bookmarks) bookmark();
    close();
    response.end();
  }
  /** It does not read: what it misses from here on it has to list again. */
  function drop(): void {
    close();
    const error = new ApiError(410, 'Expired', 'the watch fell too far behind, and was dropped');
    response.write(`${JSON.stringify({ type: 'ERROR', object: statusOf(error) })}\n`);
    response.end();
    setTimeout(() => response.destroy(), 1000).unref();
  }
  signal.addEventListener('abort', end);
  response.once('close', close);

  try {
    const from = query.get('resourceVersion') ?? '';
    const initial = isTrue(query.get('sendInitialEvents'));
    if (initial || from === '' || from === '0') {
      for (const object of store.list(resource.name) as KubeObject[])
        if (matches(object)) send({ type: 'ADDED', object: shown(object) });
      if (initial && bookmarks) bookmark({ 'k8s.io/initial-events-end': 'true' });
    } else {
      for (const change of store.changesSince(versionIn(from))) tell(change);
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    send({ type: 'ERROR', object: statusOf(error) });
    close();
    response.end();
  }
}

export function versionIn(text: string): number {
  if (!/^\d+$/.test(text)) throw badRequest(`Invalid value: "${text}": resourceVersion must be a number`);
  return Number(text);
}

function eventOf(
  { type, object, before }: Change,
  matches: Matches,
): { type: Change['type']; object: KubeObject } | undefined {
  const is = type !== 'DELETED' && matches(object);
  const was = before !== undefined && matches(before);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  return was ? { type: 'DELETED', object } : undefined;
}
