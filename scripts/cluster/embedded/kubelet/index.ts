// The kubelet of every node: makes processes of the pods that have one, keeps them as their specs say, tells their
// status, and ends them. It knows of the rest of the cluster only what is in the store.
import type { Readable } from 'node:stream';
import { messageOf } from '../../../common/errors.ts';
import { createRecorder } from '../events.ts';
import type { LogOptions } from '../log-options.ts';
import type { Pod } from '../objects.ts';
import type { Change } from '../store.ts';
import type { KubeletContext, KubeletOptions } from './context.ts';
import { podLog } from './logs.ts';
import { type PodWorker, startPod } from './pod.ts';
import { removeFolder } from './remove-folder.ts';
import { createSweep } from './sweep.ts';
import { createLimiter } from './waiting.ts';

export { bundlePodSide } from './bundle.ts';
export { createImageStore } from './images.ts';

/** Enough to keep two cores busy; more would only keep each other, and the supervisor, from getting anywhere. */
const STARTS_AT_ONCE = 5;
const EXECS_AT_ONCE = 4;

export function startKubelet(options: KubeletOptions) {
  const { store, log } = options;
  const context: KubeletContext = {
    ...options,
    events: createRecorder(store, 'kubelet', (pod) => (pod as Pod).spec?.nodeName ?? ''),
    sweep: createSweep(),
    starts: createLimiter(STARTS_AT_ONCE),
    execs: createLimiter(EXECS_AT_ONCE),
  };
  const workers = new Map<string, PodWorker>();
  /** By uid, as they are now; undefined for those that are gone. */
  let changedPods = new Map<string, Pod | undefined>();
  /** Of those that have ended, but wait in the store for their finalizers. */
  const finished = new Set<string>();
  let isStopped = false;

  function syncLater(uid: string, pod: Pod | undefined): void {
    if (changedPods.size === 0) setImmediate(syncAll);
    changedPods.set(uid, pod);
  }
  function syncAll(): void {
    const pods = changedPods;
    changedPods = new Map();
    if (isStopped) return;
    for (const [uid, pod] of pods) {
      try {
        if (pod) sync(pod);
        else remove(uid);
      } catch (error) {
        // One pod's trouble is not the others'.
        log(`pod ${pod?.metadata.name ?? uid}: ${messageOf(error)}`);
      }
    }
  }
  function sync(pod: Pod): void {
    const { uid } = pod.metadata;
    if (!pod.spec?.nodeName || finished.has(uid)) return;
    const worker = workers.get(uid) ?? start(pod);
    worker.sync(pod);
  }
  function start(pod: Pod): PodWorker {
    const { uid, name, namespace = '' } = pod.metadata;
    const worker = startPod(context, pod);
    workers.set(uid, worker);
    void worker.gone.then(() => {
      workers.delete(uid);
      if (store.get('pods', namespace, name)?.metadata.uid === uid) finished.add(uid);
    });
    return worker;
  }
  function remove(uid: string): void {
    finished.delete(uid);
    void workers.get(uid)?.kill();
  }

  function onChange({ type, resource, object }: Change): void {
    const { uid, name, namespace = '' } = object.metadata;
    if (resource === 'pods') syncLater(uid, type === 'DELETED' ? undefined : (object as Pod));
    if (resource !== 'configmaps' && resource !== 'secrets') return;
    setImmediate(() => {
      for (const worker of workers.values()) {
        if (worker.namespace === namespace) worker.objectChanged(`${resource}/${name}`);
      }
    });
  }

  const unlisten = store.listen(onChange);
  for (const pod of store.list('pods')) syncLater(pod.metadata.uid, pod);

  return {
    /** SIGKILLs every container. Resolves when all are gone. */
    async stop(): Promise<void> {
      isStopped = true;
      unlisten();
      await Promise.all([...workers.values()].map((worker) => worker.kill()));
      await removeFolder(options.dir).catch((error: unknown) => log(`pods: ${messageOf(error)}`));
    },
    /** @throws ApiError as Kubernetes does. */
    async logs(namespace: string, pod: string, asked: LogOptions): Promise<Readable> {
      return podLog(store, workers, namespace, pod, asked);
    },
  };
}
