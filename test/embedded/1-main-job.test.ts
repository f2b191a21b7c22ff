// The main job on the embedded provider, on a machine without Docker: the same verdicts as on kind.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labRoot } from '../../scripts/cluster/index.ts';
import { RunDocument } from '../../scripts/report/index.ts';
import { lab } from '../support/cli.ts';
import { tempDir } from '../support/temp-dir.ts';
import { connectTo, LAB, leftOvers, processesOf, SHORT } from './support.ts';

let nothing: Awaited<ReturnType<typeof tempDir>>;
let env: Record<string, string> = {};
beforeAll(async () => {
  // Neither docker nor kind, nor anything else, on PATH.
  nothing = await tempDir();
  env = { PATH: nothing.path };
});
afterAll(async () => {
  await lab('lab-down', ['--name', LAB]);
  await nothing[Symbol.asyncDispose]();
});

describe('the main job', () => {
  it('brings a lab up where there is no Docker, and says why it is embedded', async () => {
    const up = await lab('lab-up', ['--name', LAB], { env });
    expect(up.stderr).toMatch(/Provider: embedded, .*docker is not installed/);
    expect(up.stderr).toContain('Ready in');
    expect(up.exitCode).toBe(0);

    const api = connectTo(LAB);
    const nodes = (await api.core.listNode()).items;
    expect(nodes.map(({ metadata }) => metadata?.name)).toEqual(
      ['control-plane', 'worker', 'worker2', 'worker3'].map((suffix) => `${LAB}-${suffix}`),
    );
    const pods = (await api.core.listNamespacedPod({ namespace: 'grpc-kind-lab' })).items;
    const servers = pods.filter(({ metadata }) => metadata?.name?.startsWith('greeter-server'));
    expect(servers).toHaveLength(5);
    expect(new Set(servers.map(({ spec }) => spec?.nodeName)).size).toBe(3);
  });

  it('finds nothing to do when it is up', async () => {
    const again = await lab('lab-up', ['--name', LAB], { env });
    expect(again.exitCode).toBe(0);
    expect(again.stderr).not.toContain('Provider:');
    const status = await lab('lab-status', ['--name', LAB, '--json'], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({ provider: 'embedded', cluster: 'ours', outOfDate: [] });
    expect(status.exitCode).toBe(0);
  });

  it('passes E1: new pods get their share, the control stays idle', async () => {
    const run = await experiment([]);
    expect(run.document.verdict, run.document.reasons.join('\n')).toBe('pass');
    expect(run.document.provider).toBe('embedded');
    expect(run.exitCode).toBe(0);
    const [treatment, control] = run.document.arms;
    for (const pod of treatment?.newPods ?? []) {
      const steps = [pod.readyMs, pod.inEndpointSliceMs, pod.inDnsMs, pod.resolvedMs, pod.firstCallMs];
      expect(steps.every((ms) => ms !== null && ms > 0)).toBe(true);
    }
    expect(Object.keys(treatment?.after.byPod ?? {})).toHaveLength(10);
    expect(Object.keys(control?.after.byPod ?? {})).toHaveLength(5);
    expect(await leftOvers(LAB)).toEqual([]);
  });

  it('fails E1 without a max connection age, and says that the new pods got nothing', async () => {
    const run = await experiment(['--max-connection-age', 'off']);
    expect(run.document.reasons.join('\n')).toMatch(/the 5 new pods got no call at all/);
    expect(run.document.verdict).toBe('fail');
    expect(run.exitCode).toBe(1);
  });

  it('fails E1 over a ClusterIP, and says that each connection stays on one pod', async () => {
    const run = await experiment(['--service', 'clusterip']);
    expect(run.document.reasons.join('\n')).toMatch(/each connection to it stays on one pod/);
    expect(run.document.verdict).toBe('fail');
  });

  it('passes the scale-in: the treatment loses no call, the control does', async () => {
    const run = await experiment(['--from', '10', '--to', '5']);
    expect(run.document.verdict, run.document.reasons.join('\n')).toBe('pass');
    expect(run.document.arms[0]?.failures).toEqual([]);
    expect(run.document.arms[1]?.failures).not.toEqual([]);
  });

  it('refuses another provider for a lab that is up', async () => {
    const up = await lab('lab-up', ['--name', LAB, '--provider', 'kind'], { env });
    expect(up.stderr).toContain(`the lab "${LAB}" is on embedded, not on kind`);
    expect(up.exitCode).toBe(2);
  });

  it('removes all of it, every process included', async () => {
    const clusterId = await readFile(join(labRoot(), LAB, 'cluster-id'), 'utf8');
    expect(await processesOf(clusterId)).not.toEqual([]);
    const down = await lab('lab-down', ['--name', LAB], { env });
    expect(down.stderr).toContain(`Removed "${LAB}"`);
    expect(down.exitCode).toBe(0);
    expect(await processesOf(clusterId)).toEqual([]);
    expect((await lab('lab-down', ['--name', LAB], { env })).stderr).toContain('There is no lab');
  });
});

/** Later options win over those of SHORT. */
async function experiment(args: readonly string[]) {
  const result = await lab('experiment', ['scale', ...SHORT, ...args, '--json'], { env });
  expect(result.stdout, result.stderr).not.toBe('');
  return { ...result, document: RunDocument.parse(JSON.parse(result.stdout)) };
}
