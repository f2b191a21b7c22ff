import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkout, checkoutWithCluster } from '../support/checkout.ts';

describe.concurrent('lab:down', () => {
  it('removes every lab that this tool made, and nothing else', async () => {
    await using here = await checkout();
    await here.fake.addCluster(`${here.name}-a`, { mark: `${here.name}-a` });
    await here.fake.addCluster(`${here.name}-b`, { mark: `${here.name}-b` });
    await here.fake.addCluster(`${here.name}-not-ours`);
    // Remembered here; its cluster is gone.
    const folder = join(here.path, '.lab', `${here.name}-c`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'lab.json'), '{}');
    await mkdir(join(here.path, '.lab/runs/one'), { recursive: true });

    const { stderr, stdout, exitCode } = await here.run('lab-down', ['--all']);
    expect(stderr).toMatch(/^Removed ".*-a" in .*\nRemoved ".*-b" in .*\nRemoved ".*-c" in [^\n]*$/);
    expect(stdout).toBe('');
    expect(exitCode).toBe(0);
    expect(await here.fake.has(`cluster-${here.name}-a`)).toBe(false);
    expect(await here.fake.has(`cluster-${here.name}-b`)).toBe(false);
    expect(await here.fake.has(`cluster-${here.name}-not-ours`)).toBe(true);
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(join(here.path, '.lab/runs/one'))).toBe(true);

    const again = await here.run('lab-down', ['--all']);
    expect(again.stderr).toBe('There is no lab.');
    expect(again.exitCode).toBe(0);
  });

  it('removes what an interrupted lab:up left', async () => {
    await using here = await checkoutWithCluster();
    await here.fake.instead('kind nodes-started', 'exit 1');
    expect((await here.run('lab-up', ['--name', here.name])).exitCode).toBe(1);
    const { stderr, exitCode } = await here.run('lab-down', ['--name', here.name]);
    expect(stderr).toMatch(/^Removed /);
    expect(exitCode).toBe(0);
    expect(await here.fake.has(`cluster-${here.name}`)).toBe(false);
    expect(existsSync(here.labDir)).toBe(false);
  });

  it('leaves a cluster alone that the lab did not make', async () => {
    await using here = await checkout();
    await here.fake.addCluster(here.name);
    const { stderr, exitCode } = await here.run('lab-down', ['--name', here.name]);
    expect(stderr).toMatch(/^error: there is a cluster ".*" that this lab did not make: it is not touched/);
    expect(exitCode).toBe(2);
    expect(await here.fake.has(`cluster-${here.name}`)).toBe(true);
  });

  it('says what stays, and how to remove it', async () => {
    await using here = await checkout();
    await here.fake.addCluster(here.name, { mark: here.name });
    await here.fake.instead('kind delete', 'exit 0');
    const { stderr, exitCode } = await here.run('lab-down', ['--name', here.name]);
    expect(stderr).toMatch(/^error: these containers are still there: .*-control-plane/);
    expect(stderr).toMatch(/\n {2}docker rm --force --volumes .*-control-plane/);
    expect(exitCode).toBe(1);
  });

  it('is told one name or all', async () => {
    await using here = await checkout();
    const { stderr, exitCode } = await here.run('lab-down', ['--all', '--name', here.name]);
    expect(stderr).toBe('error: --all and --name exclude each other');
    expect(exitCode).toBe(2);
  });
});

describe.concurrent('lab:status', () => {
  it('shows nodes, pods and what is out of date; 1 unless all is well', async () => {
    await using here = await checkoutWithCluster();
    const none = await here.run('lab-status', ['--name', here.name]);
    expect(none.stderr).toBe(`There is no lab "${here.name}": npm run lab:up makes it.`);
    expect(none.exitCode).toBe(1);

    await here.run('lab-up', ['--name', here.name]);
    const well = await here.run('lab-status', ['--name', here.name, '--json']);
    expect(JSON.parse(well.stdout)).toMatchObject({ cluster: 'ours', outOfDate: [] });
    expect(well.exitCode).toBe(0);

    here.kube.remove('/api/v1/namespaces/grpc-kind-lab/services', 'greeter');
    await writeFile(join(here.path, 'kind.yaml'), `${KIND_YAML}featureGates: { A: true }\n`);
    const worse = await here.run('lab-status', ['--name', here.name]);
    expect(worse.stdout).toMatch(/● control-plane/);
    expect(worse.stdout).toMatch(
      /out of date: kind.yaml has changed[\s\S]*out of date: Service greeter is missing/,
    );
    expect(worse.stdout).not.toContain('\x1b');
    expect(worse.exitCode).toBe(1);
  });
});

const KIND_YAML = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{ role: control-plane }, { role: worker }, { role: worker }, { role: worker }]
`;
