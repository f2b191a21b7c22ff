// The main job end to end on a real cluster, with its negative controls.
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { HistoryEvent } from '../../scripts/history/index.ts';
import { RunDocument, runFolder } from '../../scripts/report/index.ts';
import { lab } from '../support/cli.ts';
import { kindClusters, kubectl, LAB, leftOvers, SHORT } from './support.ts';

const userKubeconfig = join(tmpdir(), `kubeconfig-of-the-user-${process.pid}`);
const env = { KUBECONFIG: userKubeconfig };

describe('the main job', () => {
  afterAll(async () => {
    await lab('lab-down', ['--name', LAB]);
  });

  it('brings a lab up from nothing, with all nodes and pods Ready', async () => {
    await writeFile(userKubeconfig, 'left: alone\n');
    const up = await lab('lab-up', ['--name', LAB], { env });
    expect(up.stderr).toContain('Ready in');
    expect(up.exitCode).toBe(0);

    const nodes = JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])) as Items;
    expect(nodes.items.map(conditionReady)).toEqual(['True', 'True', 'True', 'True']);
    const pods = JSON.parse(await kubectl(['get', 'pods', '-A', '-o', 'json'])) as Items;
    expect(new Set(pods.items.map(conditionReady))).toEqual(new Set(['True']));
    const servers = pods.items.filter(({ metadata }) => metadata.name.startsWith('greeter-server'));
    expect(servers).toHaveLength(5);
    expect(new Set(servers.map(({ spec }) => spec.nodeName)).size).toBeGreaterThan(1);
    expect(await readFile(userKubeconfig, 'utf8')).toBe('left: alone\n');
  });

  it('finds nothing to do when it is up', async () => {
    const again = await lab('lab-up', ['--name', LAB], { env });
    expect(again.stderr).toMatch(/Build the images: unchanged/);
    expect(again.stderr).toMatch(/Load the images: on every worker already/);
    expect(again.exitCode).toBe(0);
    const status = await lab('lab-status', ['--name', LAB, '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ cluster: 'ours', outOfDate: [] });
    expect(status.exitCode).toBe(0);
  });

  it('sees what has changed, and mends it', async () => {
    await kubectl(['delete', 'service', 'greeter']);
    const status = await lab('lab-status', ['--name', LAB]);
    expect(status.stdout).toContain('Service greeter is missing');
    expect(status.exitCode).toBe(1);
    expect((await lab('lab-up', ['--name', LAB])).exitCode).toBe(0);
    expect(await kubectl(['get', 'service', 'greeter', '-o', 'name'])).toBe('service/greeter');
  });

  it('accepts its manifests from kubectl apply, too', async () => {
    const applied = await kubectl(['apply', '--dry-run=server', '-f', 'manifests/']);
    expect(applied).toContain('deployment.apps/greeter-server');
  });

  it('passes E1: new pods get their share, the control stays idle', async () => {
    const before = await kubectl(['get', 'deployments,services', '-o', 'name']);
    const run = await experiment([]);
    expect(run.document.reasons).toEqual(
      expect.arrayContaining([expect.stringContaining('every client called each of 5 new pods')]),
    );
    expect(run.document.verdict).toBe('pass');
    expect(run.exitCode).toBe(0);

    const [treatment, control] = run.document.arms;
    expect(treatment?.newPods).toHaveLength(5);
    for (const pod of treatment?.newPods ?? []) {
      const steps = [pod.readyMs, pod.inEndpointSliceMs, pod.inDnsMs, pod.resolvedMs, pod.firstCallMs];
      expect(steps.every((ms) => ms !== null && ms > 0)).toBe(true);
    }
    expect(Object.keys(treatment?.after.byPod ?? {})).toHaveLength(10);
    expect(Object.keys(control?.after.byPod ?? {})).toHaveLength(5);

    const folder = runFolder(run.document.id);
    const lines = gunzipSync(await readFile(join(folder, 'history.ndjson.gz')))
      .toString()
      .trim()
      .split('\n');
    const calls = lines.map((line) => JSON.parse(line) as HistoryEvent).filter(({ type }) => type === 'call');
    expect(calls).toHaveLength((treatment?.calls ?? 0) + (control?.calls ?? 0));
    expect(JSON.parse(await readFile(join(folder, 'run.json'), 'utf8'))).toEqual(run.document);

    expect(await leftOvers()).toBe('');
    expect(await kubectl(['get', 'deployments,services', '-o', 'name'])).toBe(before);
  });

  it('passes the scale-in: the treatment loses no call, the control does', async () => {
    const run = await experiment(['--from', '10', '--to', '5']);
    expect(run.document.reasons).toEqual(expect.arrayContaining([expect.stringMatching(/control: .*lost/)]));
    expect(run.document.verdict).toBe('pass');
    expect(run.exitCode).toBe(0);
    expect(run.document.arms[0]?.failures).toEqual([]);
    expect(run.document.arms[1]?.failures).not.toEqual([]);
  });

  it('removes all of it', async () => {
    const down = await lab('lab-down', ['--name', LAB], { env });
    expect(down.stderr).toContain(`Removed "${LAB}"`);
    expect(down.exitCode).toBe(0);
    expect(await kindClusters()).not.toContain(LAB);
    expect(await readFile(userKubeconfig, 'utf8')).toBe('left: alone\n');
    expect((await lab('lab-down', ['--name', LAB])).stderr).toContain('There is no lab');
  });
});

type Items = {
  items: {
    metadata: { name: string };
    spec: { nodeName?: string };
    status: { conditions: { type: string; status: string }[] };
  }[];
};

const conditionReady = ({ status }: Items['items'][number]): string | undefined =>
  status.conditions.find(({ type }) => type === 'Ready')?.status;

/** Later options win over those of SHORT. */
async function experiment(args: readonly string[]) {
  const result = await lab('experiment', ['scale', ...SHORT, ...args, '--json'], { env });
  return { ...result, document: RunDocument.parse(JSON.parse(result.stdout)) };
}
