// What the machine lacks is found before anything is created.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClusterConfig } from '../../scripts/cluster/config.ts';
import { inotifyProblems, preflight } from '../../scripts/cluster/kind/preflight.ts';
import type { Problem } from '../../scripts/cluster/provider.ts';
import { EXIT, type LabError } from '../../scripts/common/errors.ts';
import { ENGINE, type FakePrograms, fakePrograms } from '../support/fake-programs.ts';
import { tempDir } from '../support/temp-dir.ts';

const CONFIG: ClusterConfig = {
  file: '/somewhere/kind.yaml',
  askedControlPlanes: undefined,
  controlPlanes: 1,
  workers: 3,
  nodes: [],
  onlyKind: [],
  hostPorts: [],
  yaml: '',
  hash: '',
};

let dir: Awaited<ReturnType<typeof tempDir>>;
let fake: FakePrograms;
beforeEach(async () => {
  dir = await tempDir();
  fake = await fakePrograms(join(dir.path, 'bin'));
  vi.stubEnv('PATH', fake.dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await dir[Symbol.asyncDispose]();
});

const says = (line: string) => `echo '${line}' >&2; exit 1`;
const refusal = async (): Promise<LabError> => {
  const error = await preflight(CONFIG, true).then(
    () => undefined,
    (thrown: LabError) => thrown,
  );
  expect(error?.exitCode).toBe(EXIT.usage);
  return error as LabError;
};
/** Without what this very machine may lack. */
const problems = async (config: Partial<ClusterConfig> = {}): Promise<Problem[]> =>
  (await preflight({ ...CONFIG, ...config }, true)).filter(({ what }) => !what.startsWith('inotify'));

describe('the engine', () => {
  it('is good enough when it answers and is large enough', async () => {
    expect(await problems()).toEqual([]);
  });

  it.each([
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    'failed to connect to the docker API at unix:///var/run/docker.sock: connect: no such file or directory',
    'Failed to initialize: unable to resolve docker endpoint: context "there": context not found',
  ])('does not answer: %s', async (message) => {
    await fake.instead('docker info', says(message));
    const { message: what, hint } = await refusal();
    expect(what).toBe('the Docker engine does not answer');
    expect(hint).toMatch(/^Start it/);
    expect(hint).toContain(message);
  });

  it('does not answer when docker succeeds without one', async () => {
    await fake.write('info.json', JSON.stringify({ ...ENGINE, ServerVersion: '' }));
    expect((await refusal()).message).toBe('the Docker engine does not answer');
    await fake.instead('docker info', 'echo hello; exit 0');
    expect((await refusal()).message).toBe('the Docker engine does not answer');
  });

  it('may not be used', async () => {
    await fake.instead(
      'docker info',
      says(
        'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock',
      ),
    );
    const { message, hint } = await refusal();
    expect(message).toMatch(/^you may not use the Docker engine/);
    expect(hint).toContain('usermod -aG docker');
  });

  it('is podman in disguise', async () => {
    const answer = '{"host":{"arch":"amd64"},"version":{"APIVersion":"5.4.0"}}';
    await fake.instead(
      'docker info',
      `echo 'Emulate Docker CLI using podman.' >&2; echo '${answer}'; exit 0`,
    );
    const { message, hint } = await refusal();
    expect(message).toBe('`docker` here is podman, which the lab does not support');
    expect(hint).toContain('first on PATH');
  });

  it('has too little memory for so many nodes', async () => {
    await fake.write('info.json', JSON.stringify({ ...ENGINE, MemTotal: 2 ** 31 }));
    const [problem, ...more] = await problems();
    expect(problem).toMatchObject({ severity: 'error', hint: expect.stringContaining('more memory') });
    expect(problem?.what).toBe('the Docker engine has 2.0 GiB of memory; 4 nodes need 2.9 GiB');
    expect(more).toEqual([]);
    expect(await problems({ controlPlanes: 1, workers: 0 })).toEqual([]);
  });

  it('has a full disk', async () => {
    // A file system that never has a free block.
    await fake.write('info.json', JSON.stringify({ ...ENGINE, DockerRootDir: '/proc' }));
    const [problem] = await problems();
    expect(problem).toMatchObject({
      severity: 'error',
      hint: expect.stringContaining('docker system prune'),
    });
    expect(problem?.what).toBe('0.0 GiB are free under /proc; the cluster needs about 4.0 GiB');
  });

  it('is looked at alone when there is a cluster already', async () => {
    await fake.write('info.json', JSON.stringify({ ...ENGINE, MemTotal: 1, DockerRootDir: '/proc' }));
    expect(await preflight(CONFIG, false)).toEqual([]);
  });
});

describe('kind', () => {
  it('is missing', async () => {
    await fake.uninstall('kind');
    const { message, hint } = await refusal();
    expect(message).toBe('kind is not installed');
    expect(hint).toContain('https://kind.sigs.k8s.io');
  });

  it('is told to use another engine', async () => {
    vi.stubEnv('KIND_EXPERIMENTAL_PROVIDER', 'podman');
    const { message, hint } = await refusal();
    expect(message).toBe('KIND_EXPERIMENTAL_PROVIDER=podman: the lab supports kind on Docker only');
    expect(hint).toBe('Unset it.');
    vi.stubEnv('KIND_EXPERIMENTAL_PROVIDER', 'docker');
    expect(await problems()).toEqual([]);
  });
});

it('finds a port that somebody has, and says who asks for it', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const hostPorts = [{ port, address: '127.0.0.1' }];
  const [problem] = await problems({ hostPorts });
  expect(problem).toMatchObject({
    severity: 'error',
    hint: expect.stringMatching(/^End what listens there/),
  });
  expect(problem?.what).toBe(
    `port ${port} of 127.0.0.1, which /somewhere/kind.yaml asks for, cannot be used (EADDRINUSE)`,
  );
  await new Promise((resolve) => server.close(resolve));
  expect(await problems({ hostPorts })).toEqual([]);
});

describe('inotify', () => {
  const limits = { instances: 128, watches: 1_000_000 };

  it('is enough for one cluster with the default of most systems, and not for a second', () => {
    expect(inotifyProblems(limits, 4, 0)).toEqual([]);
    expect(inotifyProblems(limits, 4, 4)).toMatchObject([
      {
        severity: 'error',
        what: 'inotify allows 128 instances and 1000000 watches; 4 nodes beside 4 that run already want 144 and 65536',
        hint: expect.stringMatching(/^sudo sysctl .*\nOr remove another cluster first\.$/),
      },
    ]);
  });

  it('is a warning where it may be enough', () => {
    expect(inotifyProblems({ ...limits, watches: 9000 }, 4, 0)).toMatchObject([{ severity: 'warning' }]);
    expect(inotifyProblems({ ...limits, instances: 70 }, 4, 0)).toMatchObject([{ severity: 'warning' }]);
  });
});
