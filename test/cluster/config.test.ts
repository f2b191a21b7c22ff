import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { type ClusterConfig, readClusterConfig } from '../../scripts/cluster/config.ts';
import { labNamed } from '../../scripts/cluster/lab.ts';
import type { LabError } from '../../scripts/common/errors.ts';
import { tempDir } from '../support/temp-dir.ts';

const LAB = labNamed('test-config');
const HEAD = 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n';

let dir: Awaited<ReturnType<typeof tempDir>>;
let file: string;
beforeEach(async () => {
  dir = await tempDir();
  file = join(dir.path, 'kind.yaml');
  vi.stubEnv('LAB_KIND_CONFIG', file);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await dir[Symbol.asyncDispose]();
});

async function configOf(text: string, controlPlanes?: number): Promise<ClusterConfig> {
  await writeFile(file, text);
  return readClusterConfig(LAB, controlPlanes);
}

type Made = { name: string; nodes: { role: string; labels: Record<string, string> }[] };
const made = ({ yaml }: ClusterConfig) => parse(yaml) as Made;

describe('kind.yaml', () => {
  it('of the repository is one control plane and three workers, marked as the lab’s', async () => {
    vi.stubEnv('LAB_KIND_CONFIG', undefined);
    const config = await readClusterConfig(LAB);
    expect(config).toMatchObject({ controlPlanes: 1, workers: 3, hostPorts: [] });
    const { name, nodes } = made(config);
    expect(name).toBe('test-config');
    expect(nodes.map(({ labels }) => labels['topology.kubernetes.io/zone'])).toEqual([
      undefined,
      'zone-a',
      'zone-a',
      'zone-b',
    ]);
    expect(nodes.map(({ labels }) => labels['grpc-kind-lab.dev/lab'])).toEqual(Array(4).fill('test-config'));
  });

  it('has its first control plane as often as asked', async () => {
    const text = `${HEAD}nodes: [{ role: control-plane, labels: { a: b } }, { role: worker }]`;
    const config = await configOf(text, 3);
    expect(config).toMatchObject({ controlPlanes: 3, workers: 1, askedControlPlanes: 3 });
    expect(made(config).nodes.map(({ role }) => role)).toEqual([
      'control-plane',
      'control-plane',
      'control-plane',
      'worker',
    ]);
    expect(made(config).nodes[2]?.labels.a).toBe('b');
    expect(config.hash).not.toBe((await configOf(text)).hash);
    expect((await configOf(text)).hash).toBe((await configOf(`# a comment\n${text}`)).hash);
  });

  it('says which ports of the host it takes', async () => {
    const text = `${HEAD}networking: { apiServerPort: 6443 }
nodes:
  - role: control-plane
    extraPortMappings: [{ containerPort: 80, hostPort: 8080 }, { containerPort: 81 }]
  - role: worker`;
    expect((await configOf(text)).hostPorts).toEqual([
      { port: 6443, address: '127.0.0.1' },
      { port: 8080, address: '0.0.0.0' },
    ]);
  });

  it.each([
    ['nodes: [{role: worker', 'is not YAML: '],
    ['', 'is not a kind configuration:'],
    ['- a list', 'is not a kind configuration:'],
    [`${HEAD}nodes: [{role: control-plane}]\nnetwork: {}`, 'Unrecognized key: "network"'],
    [`${HEAD}nodes: [{role: worker, lables: {}}]`, 'Unrecognized key: "lables"'],
    [`${HEAD}nodes: [{role: wroker}]`, 'nodes[0].role'],
    [`${HEAD}nodes: []`, 'nodes'],
    ['kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha3\nnodes: [{role: worker}]', 'apiVersion'],
    [`${HEAD}nodes: [{role: control-plane}]`, 'has no worker; pods need at least one node with role: worker'],
    [`${HEAD}nodes: [{role: worker}]`, 'has no control plane'],
  ])('%j is refused', async (text, why) => {
    const error = await configOf(text).then(
      () => expect.fail('it was accepted'),
      (thrown: LabError) => thrown,
    );
    expect(error.exitCode).toBe(2);
    expect(error.message.startsWith(`${file}: `)).toBe(true);
    expect(error.message).toContain(why);
    expect(error.hint).toContain('https://kind.sigs.k8s.io/docs/user/configuration/');
  });

  it('that cannot be read is named', async () => {
    await expect(readClusterConfig(LAB)).rejects.toMatchObject({
      message: expect.stringContaining(`${file}: cannot be read (ENOENT`),
    });
  });
});
