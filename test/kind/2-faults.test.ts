// What goes wrong on real clusters: each with a clear message, the right exit code, and nothing left behind.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/cluster/index.ts';
import { lab } from '../support/cli.ts';
import { docker, kindClusters, kubectl, LAB, leftOvers, nodeImage, SHORT } from './support.ts';

const SMALL = 'lab-small';
/** Runs that are not to come to an end, or to a verdict. */
const IN_VAIN = [...SHORT, '--warmup', '3s'];
let scratch = '';
let small: Record<string, string> = {};

beforeAll(async () => {
  // Two clusters at a time take more inotify instances than many machines allow.
  await lab('lab-down', ['--name', LAB]);
  scratch = await mkdtemp(join(tmpdir(), 'lab-faults-'));
  const config = join(scratch, 'kind.yaml');
  await writeFile(
    config,
    'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n  - role: control-plane\n  - role: worker\n',
  );
  small = { LAB_KIND_CONFIG: config };
});

afterAll(async () => {
  await lab('lab-down', ['--name', SMALL]);
  await rm(scratch, { recursive: true, force: true });
});

describe('creating', () => {
  it('goes on after Ctrl-C in the middle of it, and cleans up', async () => {
    const containers = () => docker('ps', '-q', '--filter', `label=io.x-k8s.kind.cluster=${SMALL}`);
    const cut = await lab('lab-up', ['--name', SMALL], {
      env: small,
      signal: { name: 'SIGINT', when: async () => (await containers()) !== '' },
    });
    expect(cut.exitCode).toBe(130);

    const status = await lab('lab-status', ['--name', SMALL], { env: small });
    expect(status.stderr).toContain('A lab:up was interrupted');

    const up = await lab('lab-up', ['--name', SMALL], { env: small });
    expect(up.stderr).toContain('Ready in');
    expect(up.exitCode).toBe(0);
  });

  it('says which pod crashes, with its last log lines, instead of waiting', async () => {
    const manifests = join(scratch, 'manifests');
    await cp(join(ROOT, 'manifests'), manifests, { recursive: true });
    const server = join(manifests, 'greeter-server.yaml');
    const text = await readFile(server, 'utf8');
    await writeFile(server, text.replace('value: graceful', 'value: perhaps'));
    const up = await lab('lab-up', ['--name', SMALL], { env: { ...small, LAB_MANIFESTS: manifests } });
    expect(up.stderr).toMatch(/the pod greeter-server-\S+ will not get Ready/);
    expect(up.stderr).toMatch(/DRAIN/);
    expect(up.exitCode).toBe(1);

    const mended = await lab('lab-up', ['--name', SMALL], { env: small });
    expect(mended.exitCode).toBe(0);
  });

  it('notices a cluster that was deleted behind its back, and makes it again', async () => {
    await execa('kind', ['delete', 'cluster', '--name', SMALL, '--kubeconfig', join(scratch, 'kubeconfig')]);
    const status = await lab('lab-status', ['--name', SMALL], { env: small });
    expect(status.stderr).toContain('There is no lab');
    const up = await lab('lab-up', ['--name', SMALL], { env: small });
    expect(up.exitCode).toBe(0);
    expect((await lab('lab-down', ['--name', SMALL])).exitCode).toBe(0);
    expect(await kindClusters()).not.toContain(SMALL);
  });

  it('does not touch a cluster that it did not make', async () => {
    const name = 'not-a-lab';
    const kubeconfig = join(scratch, 'foreign');
    const create = ['create', 'cluster', '--name', name, '--kubeconfig', kubeconfig];
    await execa('kind', [...create, '--image', await nodeImage()]);
    try {
      for (const command of ['lab-up', 'lab-down'] as const) {
        const refused = await lab(command, ['--name', name]);
        expect(refused.stderr).toContain('that this lab did not make');
        expect(refused.exitCode).toBe(2);
      }
      await lab('lab-down', ['--all']);
      expect(await kindClusters()).toContain(name);
    } finally {
      await execa('kind', ['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig]);
    }
  });
});

describe('in the middle of a run', () => {
  beforeAll(async () => {
    expect((await lab('lab-up', ['--name', LAB])).exitCode).toBe(0);
  });

  it('undoes everything on Ctrl-C', async () => {
    const run = await lab('experiment', ['scale', ...IN_VAIN], {
      signal: { name: 'SIGINT', when: (stderr) => stderr.includes('to 10 replicas') },
    });
    expect(run.exitCode).toBe(130);
    expect(await leftOvers()).toBe('');
  });

  it('is refused to others, and what a crash leaves is removed by the next command', async () => {
    let refused = { exitCode: 0, stderr: '' };
    await lab('experiment', ['scale', ...IN_VAIN], {
      once: {
        text: 'baseline',
        act: async () => {
          refused = await lab('lab-down', ['--name', LAB]);
        },
      },
      signal: { name: 'SIGKILL', when: (stderr) => stderr.includes('to 10 replicas') },
    });
    expect(refused.stderr).toMatch(/is in use by experiment scale \(pid \d+\)/);
    expect(refused.exitCode).toBe(1);
    expect(await leftOvers()).not.toBe('');

    const up = await lab('lab-up', ['--name', LAB]);
    expect(up.stderr).toContain('deleted what an interrupted run left');
    expect(up.exitCode).toBe(0);
    expect(await leftOvers()).toBe('');
  });

  it('cannot tell when a node is lost, and starts it again', async () => {
    const node = await kubectl([
      'get',
      'pods',
      '-l',
      'app.kubernetes.io/name=greeter-client',
      '-o',
      'jsonpath={.items[0].spec.nodeName}',
    ]);
    const run = await lab('experiment', ['scale', ...IN_VAIN], {
      once: { text: 'window: watching', act: () => docker('kill', node) },
    });
    expect(run.exitCode).toBe(3);

    const up = await lab('lab-up', ['--name', LAB]);
    expect(up.stderr).toContain(`started ${node}`);
    expect(up.exitCode).toBe(0);
    expect(await leftOvers()).toBe('');
  });

  it('has its DNS again, as it was, when a killed run has made it slow', async () => {
    const dns = async () => {
      const read = async (what: string, field: string) =>
        kubectl(['-n', 'kube-system', 'get', what, 'coredns', '-o', `jsonpath={${field}}`]);
      return [await read('configmap', '.data'), await read('deployment', '.spec.template.spec')];
    };
    /** In a pod, by the resolver that it has. */
    const lookupMs = async () => {
      const script =
        "const ms = performance.now(); require('node:dns/promises').lookup('greeter-headless').then(() => console.log(performance.now() - ms))";
      return Number(await kubectl(['exec', 'deployment/greeter-client', '--', 'node', '-e', script]));
    };
    const before = await dns();
    await lab('experiment', ['dns-outage', '--by', 'slow', '--warmup', '1s', '--name', LAB], {
      signal: { name: 'SIGKILL', when: (stderr) => stderr.includes('DNS broken: watching') },
    });
    const slowMs = await lookupMs();
    expect(slowMs).toBeGreaterThan(2900);
    expect(slowMs).toBeLessThan(5000);
    const up = await lab('lab-up', ['--name', LAB]);
    expect(up.stderr).toContain('an interrupted run had broken it');
    expect(up.exitCode).toBe(0);
    expect(await dns()).toEqual(before);
    expect(await lookupMs()).toBeLessThan(2000);
    expect(await leftOvers()).toBe('');
  });

  it('has every node Ready again when a killed run has cut one off', async () => {
    await lab('experiment', ['node-outage', '--warmup', '1s', '--name', LAB], {
      signal: { name: 'SIGKILL', when: (stderr) => stderr.includes('node away: watching') },
    });
    const up = await lab('lab-up', ['--name', LAB]);
    expect(up.stderr).toMatch(/connected lab-test-worker\d?/);
    expect(up.exitCode).toBe(0);
    expect(await kubectl(['get', 'nodes'])).not.toContain('NotReady');
    expect(await leftOvers()).toBe('');
  });
});
