// What the tests on real clusters share.
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect } from 'vitest';
import { chooseNodeImage, labRoot } from '../../scripts/cluster/index.ts';
import { lab } from '../support/cli.ts';

/** The lab of most tests. Never the default one: that may be the developer's own. */
export const LAB = 'lab-test';

/** Short floors and ages, so that a run takes a minute, and a rate that leaves two cores some air. */
export const SHORT = [
  ...['--dns-floor', '5s', '--max-connection-age', '4s', '--window', '15s'],
  ...['--rate', '120', '--name', LAB],
];

/** For a file whose tests need the lab: it goes with it only if it came with it. */
export function withLab(): void {
  let wasUp = false;
  beforeAll(async () => {
    wasUp = (await kindClusters()).includes(LAB);
    const up = await lab('lab-up', ['--name', LAB]);
    expect(up.exitCode, up.stderr).toBe(0);
  });
  afterAll(async () => {
    if (!wasUp) await lab('lab-down', ['--name', LAB]);
  });
}

/** The real kubectl against a lab. */
export async function kubectl(args: readonly string[], name = LAB, input = ''): Promise<string> {
  const kubeconfig = join(labRoot(), name, 'kubeconfig');
  const options = ['--kubeconfig', kubeconfig, '-n', 'grpc-kind-lab'];
  const { stdout } = await execa('kubectl', [...options, ...args], { input });
  return stdout;
}

export async function docker(...args: string[]): Promise<string> {
  return (await execa('docker', args)).stdout;
}

export async function kindClusters(): Promise<string[]> {
  return (await execa('kind', ['get', 'clusters'])).stdout.split('\n').filter(Boolean);
}

/** Names of what runs have deployed and not removed. */
export const leftOvers = (): Promise<string> =>
  kubectl(['get', 'deployments,services,pods', '-l', 'grpc-kind-lab.dev/run', '-o', 'name']);

/** The node image that a lab would take: tests make clusters of their own with it. */
export async function nodeImage(): Promise<string> {
  const work = { say: () => {}, signal: new AbortController().signal };
  return (await chooseNodeImage(process.env.LAB_NODE_IMAGE, work)).image;
}
