// One pod, from the moment it has a node until it is gone from the store.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../common/errors.ts';
import { deletePod } from '../delete-pod.ts';
import type { Pod } from '../objects.ts';
import { sameJson } from '../same-json.ts';
import { wireTime } from '../store.ts';
import { createContainer } from './container.ts';
import type { KubeletContext, PodContext } from './context.ts';
import { removeFolder } from './remove-folder.ts';
import { podStatus } from './status.ts';
import { createVolumes, mountRetryMs } from './volumes.ts';
import { createBell } from './waiting.ts';

export type PodWorker = ReturnType<typeof startPod>;

export function startPod(kubelet: KubeletContext, first: Pod) {
  const { store, addresses } = kubelet;
  const { uid, name, namespace = '' } = first.metadata;
  const node = store.get('nodes', '', first.spec?.nodeName ?? '');
  const hostIP =
    node?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? addresses.node(0);
  const placement = { podIP: addresses.allocatePod(), hostIP };
  const startTime = wireTime(new Date());
  const dir = join(kubelet.dir, uid);
  const bell = createBell();
  let pod = first;
  let hasSandbox = false;
  /** All of its containers have ended and none is to be started again. */
  let hasEnded = false;
  let isGone = false;
  let isEnding = false;
  const gone = Promise.withResolvers<void>();
  let willPublish = false;

  const volumes = createVolumes(
    { store, placement, ca: kubelet.apiServer.ca, tokenFor: kubelet.tokenFor },
    () => pod,
    join(dir, 'volumes'),
  );
  const context: PodContext = { kubelet, pod: () => pod, placement, volumes, dir, changed };
  const init = (first.spec?.initContainers ?? []).map((spec) =>
    createContainer(context, spec, { isInit: true }),
  );
  const apps = (first.spec?.containers ?? []).map((spec) =>
    createContainer(context, spec, { isInit: false }),
  );
  const containers = [...init, ...apps];
  if (init.length === 0) for (const container of apps) container.waiting('ContainerCreating');

  /** Several changes of one moment are one update. */
  function changed(): void {
    if (willPublish) return;
    willPublish = true;
    setImmediate(() => {
      if (willPublish) publish();
    });
  }

  function publish(): void {
    willPublish = false;
    if (isGone || store.get('pods', namespace, name)?.metadata.uid !== uid) return;
    store.update('pods', namespace, name, (before) => ({
      ...before,
      status: podStatus(before, {
        ...placement,
        startTime,
        hasSandbox,
        isTerminal: hasEnded,
        init: init.map((container) => container.status()),
        containers: apps.map((container) => container.status()),
      }),
    }));
  }

  /** @returns why it failed, as an event says it; undefined when all is there. */
  async function setUp(): Promise<[reason: string, text: string] | undefined> {
    try {
      await makeFolders(dir, pod, placement.podIP, kubelet.dns.address);
    } catch (error) {
      return ['FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`];
    }
    const failed = await volumes.setUp();
    return failed ? ['FailedMount', failed] : undefined;
  }

  async function live(): Promise<void> {
    publish();
    for (let failures = 0; !isEnding; ) {
      const failed = await setUp();
      if (!failed) break;
      failures += 1;
      kubelet.events(pod, 'Warning', ...failed);
      await bell.wait(mountRetryMs(failures));
    }
    if (isEnding) return;
    hasSandbox = true;
    changed();
    // What has changed since they were read, nobody has been told of.
    await volumes.refresh();
    for (const container of init) if (isEnding || !(await container.run())) return;
    if (isEnding) return;
    if (init.length > 0) for (const container of apps) container.waiting('PodInitializing');
    await Promise.all(apps.map((container) => container.run()));
  }
  // Not before whoever starts it has it: what it publishes comes back here as a change.
  const life = Promise.resolve()
    .then(live)
    .catch(tellOf)
    .then(() => {
      hasEnded = true;
      changed();
    });

  /** Whatever fails here must not keep the pod. */
  function tellOf(error: unknown): void {
    kubelet.log(`pod ${namespace}/${name}: ${error instanceof Error ? error.stack : String(error)}`);
  }

  async function clear(): Promise<void> {
    await life;
    publish();
    isGone = true;
    addresses.releasePod(placement.podIP);
    await volumes.settled();
    await removeFolder(dir).catch(tellOf);
    const now = store.get('pods', namespace, name);
    if (now?.metadata.uid === uid && now.metadata.deletionTimestamp) {
      // With finalizers it stays until whoever set them has done its part; its own time is over.
      if (now.metadata.finalizers?.length) deletePod(store, namespace, name, 0);
      else store.remove('pods', namespace, name);
    }
    gone.resolve();
  }

  /** Asked again, it can only end sooner. Resolves when nothing of it is left. */
  function end(graceSeconds: number): Promise<void> {
    const stopped = Promise.all(containers.map((container) => container.stop(graceSeconds)));
    if (!isEnding) void stopped.catch(tellOf).then(clear);
    isEnding = true;
    bell.ring();
    return gone.promise;
  }

  function refresh(): void {
    if (hasSandbox && !isEnding) void volumes.refresh();
  }

  return {
    uid,
    namespace,
    name,
    container: (wanted: string) => containers.find((container) => container.name === wanted),
    sync(now: Pod): void {
      const { labels, annotations } = pod.metadata;
      pod = now;
      const isRelabelled = !sameJson([labels, annotations], [now.metadata.labels, now.metadata.annotations]);
      if (isRelabelled) refresh();
      const { deletionTimestamp, deletionGracePeriodSeconds = 30 } = now.metadata;
      if (deletionTimestamp) void end(deletionGracePeriodSeconds);
      else
        for (const spec of now.spec?.containers ?? [])
          apps.find(({ name: own }) => own === spec.name)?.update(spec);
    },
    /** A ConfigMap or a Secret of its namespace, such as `configmaps/name`. */
    objectChanged(object: string): void {
      bell.ring();
      for (const container of containers) container.retry();
      if (volumes.dependsOn(object)) refresh();
    },
    /** Resolves when nothing of it is left. */
    gone: gone.promise,
    /** At once: it is gone from the store, or the kubelet stops. */
    kill: () => end(0),
  };
}

/** A pod's own files in /etc, and folders for what its containers write. For this user only: Secrets are among them. */
async function makeFolders(dir: string, { metadata }: Pod, ip: string, dns: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const folder of ['etc', 'logs', 'root', 'termination', 'volumes']) {
    await mkdir(join(dir, folder), { recursive: true });
  }
  const domains = [`${metadata.namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'];
  const resolvConf = `search ${domains.join(' ')}\nnameserver ${dns}\noptions ndots:5\n`;
  const hosts = `# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost\n${ip}\t${metadata.name}\n`;
  await writeFile(join(dir, 'etc/resolv.conf'), resolvConf);
  await writeFile(join(dir, 'etc/hosts'), hosts);
  await writeFile(join(dir, 'etc/hostname'), `${metadata.name}\n`);
}
