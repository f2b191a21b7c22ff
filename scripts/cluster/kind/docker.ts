// What the kind provider asks of the Docker engine.
import { z } from 'zod';
import { LabError } from '../../common/errors.ts';
import { run, tryRun } from '../../common/run.ts';

const Info = z.object({
  MemTotal: z.number(),
  NCPU: z.number(),
  Architecture: z.string(),
  DockerRootDir: z.string(),
  ServerVersion: z.string(),
  DriverStatus: z.array(z.array(z.string())).nullish(),
});
export type EngineInfo = {
  memoryBytes: number;
  cpus: number;
  /** As images name it: `linux/amd64`. */
  platform: string;
  rootDir: string;
  version: string;
  /** Images live in containerd: `docker save` then needs to be told the platform (kind issue 3795). */
  containerdImageStore: boolean;
};

const architectures: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64' };

/**
 * The engine behind `docker`.
 *
 * @throws LabError `prerequisite` when docker is not installed, does not answer, or may not be used; or is podman.
 */
export async function engineInfo(): Promise<EngineInfo> {
  const answer = await tryRun(['docker', 'info', '--format', '{{json .}}'], { timeoutMs: 20_000 });
  const parsed = Info.safeParse(answer.ok ? jsonOf(answer.stdout) : undefined);
  if (!parsed.success || parsed.data.ServerVersion === '')
    throw engineError(`${answer.stderr}\n${answer.stdout}`);
  const info = parsed.data;
  return {
    memoryBytes: info.MemTotal,
    cpus: info.NCPU,
    platform: `linux/${architectures[info.Architecture] ?? info.Architecture}`,
    rootDir: info.DockerRootDir,
    version: info.ServerVersion,
    containerdImageStore: (info.DriverStatus ?? [])
      .flat()
      .some((text) => text.startsWith('io.containerd.snapshotter')),
  };
}

/** What is no JSON comes from something that only calls itself docker. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function engineError(output: string): LabError {
  const because = (message: string, hint: string) => new LabError('prerequisite', message, { hint });
  if (/spawn docker ENOENT/.test(output)) {
    return because(
      'docker is not installed',
      'Install Docker Engine or Docker Desktop: https://docs.docker.com/engine/install/',
    );
  }
  if (/permission denied/i.test(output)) {
    return because(
      'you may not use the Docker engine (permission denied on its socket)',
      'Add yourself to the docker group and log in again: sudo usermod -aG docker $USER',
    );
  }
  if (/podman/i.test(output)) {
    return because(
      '`docker` here is podman, which the lab does not support',
      'Put a real Docker engine first on PATH.',
    );
  }
  return because(
    'the Docker engine does not answer',
    `Start it (systemctl start docker, or Docker Desktop).\n${output.trim().slice(0, 400)}`,
  );
}

export async function imageIsLocal(image: string): Promise<boolean> {
  return (await tryRun(['docker', 'image', 'inspect', '--format', '{{.Id}}', image])).ok;
}

/** The nodes of a cluster: container name → running or not. Includes kind's load balancer. */
export async function nodeContainers(
  cluster: string,
): Promise<Map<string, { running: boolean; role: string }>> {
  const stdout = await run([
    'docker',
    'ps',
    '--all',
    '--filter',
    `label=io.x-k8s.kind.cluster=${cluster}`,
    '--format',
    '{{.Names}}\t{{.State}}\t{{.Label "io.x-k8s.kind.role"}}',
  ]);
  const rows = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'));
  return new Map(rows.map(([name = '', state, role = '']) => [name, { running: state === 'running', role }]));
}

/** Reads a file of a container, running or not; undefined when it is not there. */
export async function readContainerFile(container: string, path: string): Promise<string | undefined> {
  const tar = await tryRun(['docker', 'cp', `${container}:${path}`, '-']);
  return tar.ok ? tar.stdout : undefined;
}

/** How many nodes of kind run on this machine, whoever made them. */
export async function runningNodes(): Promise<number> {
  const { ok, stdout } = await tryRun(['docker', 'ps', '--quiet', '--filter', 'label=io.x-k8s.kind.cluster']);
  return ok ? stdout.split('\n').filter(Boolean).length : 0;
}
