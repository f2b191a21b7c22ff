import type { KubernetesListObject, V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NAMESPACE, watchObjects } from '../../scripts/cluster/index.ts';
import { eventually } from '../support/eventually.ts';
import { type KubeApi, kubeApi, PODS, pod, refuse } from '../support/kube-api.ts';

let kube: KubeApi;
let stop: AbortController;
let seen: string[];
let gaps: string[];
let stopped: Promise<void> | undefined;

beforeEach(async () => {
  kube = await kubeApi();
  stop = new AbortController();
  seen = [];
  gaps = [];
});
afterEach(async () => {
  stop.abort();
  await stopped;
  await kube[Symbol.asyncDispose]();
  vi.restoreAllMocks();
});

async function watch(labelSelector?: string): Promise<void> {
  const watched = await watchObjects<V1Pod>(
    kube.api,
    {
      path: PODS,
      ...(labelSelector ? { labelSelector } : {}),
      list: () =>
        kube.api.core.listNamespacedPod({
          namespace: NAMESPACE,
          ...(labelSelector ? { labelSelector } : {}),
        }) as Promise<KubernetesListObject<V1Pod>>,
      onSeen: ({ object, deleted, atMs }) => {
        expect(Math.abs(atMs - Date.now())).toBeLessThan(5000);
        seen.push(`${deleted ? '-' : '+'}${object.metadata?.name}`);
      },
      onGap: (reason) => gaps.push(reason),
    },
    stop.signal,
  );
  stopped = watched.stopped;
}

const watching = (howMany = 1) => eventually(() => kube.watches(PODS).length === howMany);
const hasSeen = (...expected: string[]) =>
  eventually(
    () => seen.length >= expected.length,
    () => seen,
  ).then(() => expect(seen).toEqual(expected));
const watchRequests = () => kube.requests.filter(({ query }) => query.get('watch') === 'true');

describe('watching objects', () => {
  it('tells what is there at once, then each change as it comes', async () => {
    kube.put(PODS, pod('a'));
    await watch();
    expect(seen).toEqual(['+a']);
    await watching();
    kube.put(PODS, pod('b'));
    kube.put(PODS, pod('a', { ready: false }));
    kube.remove(PODS, 'b');
    await hasSeen('+a', '+b', '+a', '-b');
    expect(gaps).toEqual([]);
  });

  it('asks for what the label selects alone', async () => {
    kube.put(PODS, pod('a', { labels: { run: 'other' } }));
    await watch('run=mine');
    await watching();
    kube.put(PODS, pod('b', { labels: { run: 'other' } }));
    kube.put(PODS, pod('c', { labels: { run: 'mine' } }));
    await hasSeen('+c');
  });

  it('goes on where a watch has ended, which is no gap', async () => {
    kube.put(PODS, pod('a'));
    await watch();
    await watching();
    kube.put(PODS, pod('b'));
    await hasSeen('+a', '+b');
    const version = kube.objects(PODS).at(-1)?.metadata?.resourceVersion;
    kube.watches(PODS)[0]?.end();
    await eventually(() => watchRequests().length === 2);
    expect(watchRequests()[1]?.query.get('resourceVersion')).toBe(version);
    await watching();
    kube.put(PODS, pod('c'));
    await hasSeen('+a', '+b', '+c');
    expect(gaps).toEqual([]);
  });

  it('goes on from a bookmark, which tells nothing else', async () => {
    await watch();
    await watching();
    kube.watches(PODS)[0]?.write('{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9000"}}}\n');
    kube.watches(PODS)[0]?.end();
    await eventually(() => watchRequests().length === 2);
    expect(watchRequests()[1]?.query.get('resourceVersion')).toBe('9000');
    expect([seen, gaps]).toEqual([[], []]);
  });

  it('goes on after half a minute in which nothing happened, which is no gap either', async () => {
    const real = setTimeout;
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((task: () => void, ms?: number) =>
      real(task, ms === 30_000 ? 50 : ms)) as typeof setTimeout);
    await watch();
    await eventually(
      () => watchRequests().length >= 3,
      () => gaps,
    );
    expect(gaps).toEqual([]);
    vi.restoreAllMocks();
    await watching();
    kube.put(PODS, pod('a'));
    await hasSeen('+a');
  });

  it('reads the list again when its place in the history is gone, and says so', async () => {
    kube.put(PODS, pod('stays'));
    kube.put(PODS, pod('goes'));
    await watch();
    await watching();
    const [response] = kube.watches(PODS);
    const gone = { kind: 'Status', code: 410, message: 'too old resource version' };
    response?.end(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`);
    await eventually(() => kube.watches(PODS).length === 0);
    kube.remove(PODS, 'goes');
    kube.put(PODS, pod('comes'));
    await hasSeen('+stays', '+goes', '-goes', '+comes');
    expect(gaps).toEqual([`a watch of ${PODS} broke off: too old resource version`]);
  });

  it('says when the connection breaks, and goes on', async () => {
    await watch();
    await watching();
    kube.watches(PODS)[0]?.socket?.destroy();
    kube.put(PODS, pod('a'));
    await hasSeen('+a');
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toContain(`a watch of ${PODS} broke off: `);
  });

  it('says when the API server refuses, and tries again', async () => {
    let refused = 0;
    kube.on(`GET ${PODS}?resourceVersion`, (request, response) => {
      refused += 1;
      refuse(503, 'etcd is away')(request, response);
    });
    kube.on(`GET ${PODS}?watch=true`, (request, response) => {
      refused += 1;
      refuse(503, 'etcd is away')(request, response);
    });
    await watch();
    await eventually(() => refused >= 2);
    expect(gaps[0]).toBe(`a watch of ${PODS} broke off: Service Unavailable`);
  });

  it('ends without a word when it is told to stop', async () => {
    await watch();
    await watching();
    stop.abort();
    await stopped;
    await eventually(() => kube.watches(PODS).length === 0);
    expect(gaps).toEqual([]);
  });
});
