// Images into the workers of a kind cluster, as soon as there are workers to put them into.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { run, tryRun } from '../../common/run.ts';
import { waitFor } from '../../common/wait.ts';
import type { ClusterConfig } from '../config.ts';
import type { Bundle } from '../images.ts';
import { type Lab, readState } from '../lab.ts';
import type { Work } from '../provider.ts';
import { yieldCpu } from './cpu.ts';
import { engineInfo, nodeContainers } from './docker.ts';

/**
 * Pods are not scheduled on control planes, so the workers are enough.
 *
 * Goes by `docker save` and `kind load image-archive`: `kind load docker-image` fails on engines that keep their
 * images in containerd, where the archive must be limited to one platform (kind issue 3795).
 */
export async function loadImages(
  lab: Lab,
  config: ClusterConfig,
  { images }: Bundle,
  work: Work,
): Promise<string> {
  const archive = join(lab.dir, 'images.tar');
  const refs = images.flatMap(({ ref, devRef }) => [ref, devRef]);
  let saved: Promise<void> | undefined;
  try {
    // A new cluster has no image: the archive is written while its nodes are still on their way.
    const fresh = (await readState(lab))?.phase === 'creating';
    saved = fresh ? save(archive, refs, work) : undefined;
    saved?.catch(() => {});
    const workers = await runningWorkers(lab, config, work);
    const lacking = await workersLacking(
      workers,
      images.map(({ ref }) => ref),
      work,
    );
    if (lacking.length === 0) return 'on every worker already';
    await (saved ?? save(archive, refs, work));
    work.say(`into ${lacking.join(', ')}`);
    await using _yielding = fresh ? await yieldCpu(workers) : undefined;
    await run(['kind', 'load', 'image-archive', archive, '--name', lab.name, '--nodes', lacking.join(',')], {
      signal: work.signal,
    });
    const still = await workersLacking(
      lacking,
      images.map(({ ref }) => ref),
      work,
    );
    if (still.length > 0)
      throw new LabError('failed', `kind load left the images out of ${still.join(', ')}`);
    return `into ${lacking.length} workers`;
  } finally {
    await saved?.catch(() => {});
    await rm(archive, { force: true });
  }
}

async function save(archive: string, refs: readonly string[], work: Work): Promise<void> {
  const engine = await engineInfo();
  const platform = engine.containerdImageStore ? ['--platform', engine.platform] : [];
  await run(['docker', 'save', ...platform, '--output', archive, ...refs], { signal: work.signal });
}

/** Waits until every worker's containerd answers: some seconds into the creation of a cluster. */
async function runningWorkers(lab: Lab, config: ClusterConfig, work: Work): Promise<string[]> {
  return waitFor(
    'the workers',
    async () => {
      const nodes = await nodeContainers(lab.name);
      const workers = [...nodes]
        .filter(([, { running, role }]) => running && role === 'worker')
        .map(([name]) => name);
      if (workers.length < config.workers) return { waiting: `${workers.length} of ${config.workers} run` };
      const answers = await Promise.all(
        workers.map((node) => tryRun(['docker', 'exec', node, 'ctr', 'version'])),
      );
      const silent = workers.filter((_, index) => !answers[index]?.ok);
      return silent.length > 0
        ? { waiting: `containerd is silent in ${silent.join(', ')}` }
        : { done: workers };
    },
    { timeoutMs: 300_000, intervalMs: 500, signal: work.signal, onWaiting: work.say },
  );
}

async function workersLacking(
  workers: readonly string[],
  refs: readonly string[],
  work: Work,
): Promise<string[]> {
  const lists = await Promise.all(
    workers.map((node) =>
      run(['docker', 'exec', node, 'ctr', '--namespace', 'k8s.io', 'images', 'list', '--quiet'], {
        signal: work.signal,
      }),
    ),
  );
  return workers.filter((_, index) => {
    const present = new Set(lists[index]?.split('\n'));
    return refs.some((ref) => !present.has(`docker.io/${ref}`));
  });
}
