// What would keep a kind cluster from being created on this machine, found before anything is.
import { readFile, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { LabError } from '../../common/errors.ts';
import { tryRun } from '../../common/run.ts';
import type { ClusterConfig } from '../config.ts';
import type { Problem } from '../provider.ts';
import { type EngineInfo, engineInfo, runningNodes } from './docker.ts';

const GiB = 2 ** 30;

/**
 * @param fresh whether a cluster is to be created; an existing one needs the engine and kind alone.
 * @throws LabError `prerequisite` when the engine or kind cannot be used at all.
 */
export async function preflight(config: ClusterConfig, fresh: boolean): Promise<Problem[]> {
  const engine = await usableEngine();
  if (!fresh) return [];
  const nodes = config.controlPlanes + config.workers;
  const ports = config.hostPorts.map((port) => portIsFree(port, config.file));
  const found = await Promise.all([disk(engine, nodes), inotify(nodes), ...ports]);
  return [memory(engine, nodes), ...found].flat();
}

/** @throws LabError `prerequisite` when the engine or kind cannot be used at all. */
export async function refuseWithoutKind(): Promise<void> {
  await usableEngine();
}

async function usableEngine(): Promise<EngineInfo> {
  refuseOtherEngines();
  const [engine] = await Promise.all([engineInfo(), kindVersion()]);
  return engine;
}

function refuseOtherEngines(): void {
  const provider = process.env.KIND_EXPERIMENTAL_PROVIDER;
  if (provider && provider !== 'docker') {
    throw new LabError(
      'prerequisite',
      `KIND_EXPERIMENTAL_PROVIDER=${provider}: the lab supports kind on Docker only`,
      {
        hint: 'Unset it.',
      },
    );
  }
}

async function kindVersion(): Promise<void> {
  const version = await tryRun(['kind', 'version']);
  if (!version.ok) {
    throw new LabError('prerequisite', 'kind is not installed', {
      hint: 'Install it: https://kind.sigs.k8s.io/docs/user/quick-start/#installation',
    });
  }
}

/** An estimate on the safe side: while an experiment ran on four nodes, the whole machine used up to 3.6 GiB. */
function memory(engine: EngineInfo, nodes: number): Problem[] {
  const needed = (1.5 + 0.35 * nodes) * GiB;
  if (engine.memoryBytes >= needed) return [];
  const [has, wants] = [engine.memoryBytes, needed].map((bytes) => `${(bytes / GiB).toFixed(1)} GiB`);
  return [
    {
      severity: 'error',
      what: `the Docker engine has ${has} of memory; ${nodes} nodes need ${wants}`,
      hint: 'Give Docker more memory (Docker Desktop: Settings, Resources).',
    },
  ];
}

/** An estimate on the safe side, not a measurement: each node unpacks the lab's images for itself. */
async function disk(engine: EngineInfo, nodes: number): Promise<Problem[]> {
  // With Docker Desktop the folder is in a VM that cannot be seen from here.
  const stats = await statfs(engine.rootDir).catch(() => undefined);
  if (!stats) return [];
  const free = stats.bavail * stats.bsize;
  const needed = (1 + 0.75 * nodes) * GiB;
  if (free >= needed) return [];
  return [
    {
      severity: free < needed / 2 ? 'error' : 'warning',
      what: `${(free / GiB).toFixed(1)} GiB are free under ${engine.rootDir}; the cluster needs about ${(needed / GiB).toFixed(1)} GiB`,
      hint: 'Free some: docker system prune',
    },
  ];
}

async function inotify(nodes: number): Promise<Problem[]> {
  const read = async (name: string) =>
    Number(await readFile(`/proc/sys/fs/inotify/${name}`, 'utf8').catch(() => Number.POSITIVE_INFINITY));
  const [instances, watches, others] = await Promise.all([
    read('max_user_instances'),
    read('max_user_watches'),
    runningNodes(),
  ]);
  return inotifyProblems({ instances, watches }, nodes, others);
}

/**
 * A node opens some 17 inotify instances (measured: 69 for four), and all nodes on a machine share one limit. With too
 * few kube-proxy ends on every node that comes too late. Source of the failure:
 * kind.sigs.k8s.io/docs/user/known-issues, "Pod errors due to too many open files".
 *
 * @param others nodes of kind that run already.
 */
export function inotifyProblems(
  limits: { instances: number; watches: number },
  nodes: number,
  others: number,
): Problem[] {
  const all = nodes + others;
  const wanted = { instances: 18 * all, watches: 8192 * all };
  if (limits.instances >= wanted.instances && limits.watches >= wanted.watches) return [];
  const beside = others > 0 ? `${nodes} nodes beside ${others} that run already` : `${nodes} nodes`;
  const raise = 'sudo sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288';
  return [
    {
      severity: limits.instances < 17 * all ? 'error' : 'warning',
      what:
        `inotify allows ${limits.instances} instances and ${limits.watches} watches; ` +
        `${beside} want ${wanted.instances} and ${wanted.watches}`,
      hint: others > 0 ? `${raise}\nOr remove another cluster first.` : raise,
    },
  ];
}

async function portIsFree(
  { port, address }: ClusterConfig['hostPorts'][number],
  file: string,
): Promise<Problem[]> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen(port, address, () => server.close(() => resolve(undefined)));
  });
  if (!error) return [];
  return [
    {
      severity: 'error',
      what: `port ${port} of ${address}, which ${file} asks for, cannot be used (${error.code})`,
      hint: 'End what listens there (ss -ltnp), or change the port.',
    },
  ];
}
