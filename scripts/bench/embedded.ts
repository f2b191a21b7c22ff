// The embedded provider's own figures: how fast a lab is up and down, and what 200 pods take.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiscoveryV1Api, type V1EndpointSlice, type V1Pod } from '@kubernetes/client-node';
import { $ } from 'zx';
import {
  type ClusterApi,
  connect,
  deploymentsReady,
  findPodProcesses,
  isPodReady,
  labNamed,
  NAMESPACE,
  ROOT,
  type Seen,
  watchObjects,
} from '../cluster/index.ts';
import { formatDuration } from '../common/duration.ts';
import { waitFor } from '../common/wait.ts';
import { scaleFault } from '../faults/index.ts';

const NAME = 'bench-embedded';
const SERVERS = 'app.kubernetes.io/name=greeter-server,app.kubernetes.io/instance=lab';
const MANY = 200;

const quiet = $({ cwd: ROOT, quiet: true });
const print = (text: string) => process.stdout.write(`${text}\n`);

/** Prints the times of each round, then what 200 pods take and whether EndpointSlices were right all the time. */
export async function benchEmbedded(rounds: number, signal: AbortSignal): Promise<void> {
  const lab = labNamed(NAME);
  const work = { say: () => {}, signal };
  const command = async (script: string, ...args: string[]) =>
    milliseconds(() => quiet`npm run -s ${script} -- --name ${NAME} ${args}`);
  const scale = async (api: ClusterApi, from: number, to: number) => {
    const fault = scaleFault(api, { arm: 'lab', deployment: 'greeter-server', from, to });
    return milliseconds(async () => {
      await fault.inject();
      await deploymentsReady(api, SERVERS, work, 300_000);
    });
  };

  for (let round = 1; round <= rounds; round += 1) {
    signal.throwIfAborted();
    const up = await command('lab:up', '--provider', 'embedded');
    const again = await command('lab:up');
    const api = connect(lab.kubeconfig);
    const out = await scale(api, 5, 10);
    if (round === rounds) await manyPods(api, scale, signal, lab.dir);
    const down = await command('lab:down');
    print(
      `round ${round}: lab:up ${formatDuration(up)}, when up ${formatDuration(again)}, 5 to 10 Ready ${formatDuration(out)}, lab:down ${formatDuration(down)}`,
    );
  }
}

async function manyPods(
  api: ClusterApi,
  scale: (api: ClusterApi, from: number, to: number) => Promise<number>,
  signal: AbortSignal,
  dir: string,
): Promise<void> {
  const watching = new AbortController();
  const seen = await watchEndpoints(api, AbortSignal.any([signal, watching.signal]));
  const up = await scale(api, 10, MANY);
  const clusterId = (await readFile(join(dir, 'cluster-id'), 'utf8')).trim();
  const memory = await memoryOf(await findPodProcesses(clusterId));
  const back = await scale(api, MANY, 5);
  // The Deployment may be at its number before the last events have come here.
  const settled = async () => (seen().complete ? { done: undefined } : { waiting: 'slices and pods differ' });
  await waitFor('the EndpointSlices to list the pods', settled, { timeoutMs: 10_000, signal });
  watching.abort();
  const { events, wrong, ready } = seen();
  print(
    `${MANY} pods: Ready in ${formatDuration(up)}, ${memory}; back to 5 in ${formatDuration(back)}; ` +
      `${events} EndpointSlice events, ${wrong} of them wrong, ${ready} endpoints at the end`,
  );
}

/** PSS counts what processes share once. Source: Linux, Documentation/filesystems/proc, smaps_rollup. */
async function memoryOf(pids: readonly number[]): Promise<string> {
  const kilobytes = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
      return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
    }),
  );
  const total = kilobytes.reduce((sum, each) => sum + each, 0);
  return `${pids.length} processes, ${(total / 1024 ** 2).toFixed(2)} GiB as PSS`;
}

/**
 * Every EndpointSlice event is held against the pods as they were when it was written: versions of one store count all
 * changes in their order, whatever stream brings them.
 */
async function watchEndpoints(api: ClusterApi, signal: AbortSignal) {
  const pods: Seen<V1Pod>[] = [];
  const slices: Seen<V1EndpointSlice>[] = [];
  const discovery = api.kubeConfig.makeApiClient(DiscoveryV1Api);
  const inNamespace = { namespace: NAMESPACE, labelSelector: SERVERS };
  const onGap = (reason: string) => print(`the watch had a gap: ${reason}`);
  await watchObjects<V1Pod>(
    api,
    {
      path: `/api/v1/namespaces/${NAMESPACE}/pods`,
      labelSelector: SERVERS,
      list: () => api.core.listNamespacedPod(inNamespace) as never,
      onSeen: (seen) => pods.push(seen),
      onGap,
    },
    signal,
  );
  await watchObjects<V1EndpointSlice>(
    api,
    {
      path: `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`,
      labelSelector: 'kubernetes.io/service-name=greeter-headless',
      list: () =>
        discovery.listNamespacedEndpointSlice({
          namespace: NAMESPACE,
          labelSelector: 'kubernetes.io/service-name=greeter-headless',
        }) as never,
      onSeen: (seen) => slices.push(seen),
      onGap,
    },
    signal,
  );
  return () => judge(pods, slices);
}

function judge(pods: readonly Seen<V1Pod>[], slices: readonly Seen<V1EndpointSlice>[]) {
  const versionOf = ({ object }: Seen<V1Pod> | Seen<V1EndpointSlice>) =>
    Number(object.metadata?.resourceVersion ?? 0);
  const changes = [
    ...pods.map((seen) => ({ version: versionOf(seen), pod: seen })),
    ...slices.map((seen) => ({ version: versionOf(seen), slice: seen })),
  ].sort((a, b) => a.version - b.version);
  const readyPods = new Map<string, string>();
  const bySlice = new Map<string, string[]>();
  let wrong = 0;
  for (const change of changes) {
    if ('pod' in change) {
      const { object, deleted } = change.pod;
      const uid = object.metadata?.uid ?? '';
      const usable = isPodReady(object) && !object.metadata?.deletionTimestamp && !deleted;
      if (usable) readyPods.set(uid, object.status?.podIP ?? '');
      else readyPods.delete(uid);
      continue;
    }
    const { object, deleted } = change.slice;
    const ready = (object.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready)
      .flatMap(({ addresses }) => addresses);
    bySlice.set(object.metadata?.uid ?? '', deleted ? [] : ready);
    // The other slices of the Service have their own events: one change of many pods is several of these.
    const known = new Set(readyPods.values());
    if (new Set(ready).size !== ready.length || ready.some((address) => !known.has(address))) wrong += 1;
  }
  const atTheEnd = [...bySlice.values()].flat();
  const complete = new Set(atTheEnd).size === readyPods.size && atTheEnd.length === readyPods.size;
  return { events: slices.length, wrong, ready: atTheEnd.length, complete };
}

async function milliseconds(body: () => PromiseLike<unknown>): Promise<number> {
  const began = performance.now();
  await body();
  return performance.now() - began;
}
