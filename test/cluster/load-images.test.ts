import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClusterConfig } from '../../scripts/cluster/config.ts';
import { loadImages } from '../../scripts/cluster/kind/load-images.ts';
import { type Lab, writeState } from '../../scripts/cluster/lab.ts';
import { LabError } from '../../scripts/common/errors.ts';
import { eventually } from '../support/eventually.ts';
import { ENGINE, type FakePrograms, fakePrograms } from '../support/fake-programs.ts';
import { tempDir } from '../support/temp-dir.ts';

const IMAGES = [
  {
    service: 'greeter-server' as const,
    ref: 'grpc-kind-lab/greeter-server:abc',
    devRef: 'grpc-kind-lab/greeter-server:dev',
  },
];
const CONFIG = { workers: 3 } as ClusterConfig;

let dir: Awaited<ReturnType<typeof tempDir>>;
let fake: FakePrograms;
let lab: Lab;
let stop: AbortController;
beforeEach(async () => {
  dir = await tempDir();
  fake = await fakePrograms(join(dir.path, 'bin'));
  lab = { name: 'x', dir: join(dir.path, 'x'), kubeconfig: join(dir.path, 'x/kubeconfig') };
  stop = new AbortController();
  vi.stubEnv('PATH', fake.dir);
  await inPhase('creating');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await dir[Symbol.asyncDispose]();
});

const inPhase = (phase: 'creating' | 'created') =>
  writeState(lab, { phase, provider: 'kind', nodeImage: '', configHash: '', createdAt: '' });
const load = () =>
  loadImages(lab, CONFIG, { dir: '', images: IMAGES }, { say: () => {}, signal: stop.signal });
const archive = () => existsSync(join(lab.dir, 'images.tar'));

describe('loading images', () => {
  it('goes into the workers alone, and only where they are not yet', async () => {
    await fake.addCluster('x');
    expect(await load()).toBe('into 3 workers');
    expect(await fake.read()).toMatch(/kind load image-archive .* --nodes x-worker1,x-worker2,x-worker3$/m);
    await inPhase('created');
    await fake.write('log', '');
    expect(await load()).toBe('on every worker already');
    await fake.write('cluster-x/images-x-worker2', '');
    expect(await load()).toBe('into 1 workers');
    expect(await fake.read()).toMatch(/--nodes x-worker2$/m);
    expect(archive()).toBe(false);
  });

  it.each([
    [[['Backing Filesystem', 'extfs']], 'docker save --output'],
    [[['driver-type', 'io.containerd.snapshotter.v1']], 'docker save --platform linux/arm64 --output'],
  ])('names the platform where images live in containerd: %j', async (DriverStatus, command) => {
    await fake.addCluster('x');
    await fake.write('info.json', JSON.stringify({ ...ENGINE, Architecture: 'aarch64', DriverStatus }));
    await load();
    expect(await fake.read()).toContain(command);
  });

  it('waits for workers that are on their way', async () => {
    const loaded = load();
    await eventually(() => archive());
    await fake.addCluster('x');
    expect(await loaded).toBe('into 3 workers');
  });

  it('does not believe kind that all went well', async () => {
    await fake.addCluster('x');
    await fake.instead('kind load', 'exit 0');
    await expect(load()).rejects.toThrow('kind load left the images out of x-worker1, x-worker2, x-worker3');
    expect(archive()).toBe(false);
  });

  it('leaves no archive behind that is still being written when all is aborted', async () => {
    await fake.instead(
      'docker save',
      `trap 'sleep 0.3; after --output "$@" > "$state/late"; echo late > "$(cat "$state/late")"; exit 1' TERM
       touch "$state/saving"; sleep 60 & wait`,
    );
    const loaded = load();
    await vi.waitFor(async () => expect(await fake.has('saving')).toBe(true), 10_000);
    stop.abort(new LabError('interrupted', 'stop'));
    await expect(loaded).rejects.toThrow('stop');
    expect(await fake.has('late')).toBe(true);
    expect(archive()).toBe(false);
  });
});
