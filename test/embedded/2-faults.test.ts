// What goes wrong with an embedded cluster: each with a clear message, the right exit code, and no process left.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findSupervisor } from '../../scripts/cluster/embedded/background.ts';
import { labNamed, labRoot } from '../../scripts/cluster/index.ts';
import { lab } from '../support/cli.ts';
import { connectTo, LAB, leftOvers, processesOf, SHORT } from './support.ts';

const SECOND = `${LAB}-b`;
const up = (name = LAB) => lab('lab-up', ['--name', name, '--provider', 'embedded']);
const clusterIdOf = (name: string) => readFile(join(labRoot(), name, 'cluster-id'), 'utf8');
const supervisorOf = async (name: string) => (await findSupervisor(labNamed(name)))?.pid ?? Number.NaN;

/** Ends the process of one of a Deployment's pods; its container is started again. */
async function killPod(deployment: string): Promise<void> {
  for (const pid of await processesOf(await clusterIdOf(LAB))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    if (!environment.includes(`\0POD_NAME=${deployment}-`)) continue;
    process.kill(pid, 'SIGKILL');
    return;
  }
  throw new Error(`no process is a pod of ${deployment}`);
}

beforeAll(async () => {
  expect((await up()).exitCode).toBe(0);
});
afterAll(async () => {
  await lab('lab-down', ['--name', LAB]);
  await lab('lab-down', ['--name', SECOND]);
});

describe('a supervisor that is killed', () => {
  it('takes every pod process with it, and the next lab:up starts over', async () => {
    const clusterId = await clusterIdOf(LAB);
    expect((await processesOf(clusterId)).length).toBeGreaterThanOrEqual(7);
    process.kill(await supervisorOf(LAB), 'SIGKILL');
    await vi.waitFor(async () => expect(await processesOf(clusterId)).toEqual([]), 10_000);

    const status = await lab('lab-status', ['--name', LAB]);
    expect(status.stderr).toContain('the next one starts over');
    expect(status.exitCode).toBe(1);
    const again = await up();
    expect(again.exitCode).toBe(0);
    expect((await connectTo(LAB).core.listNode()).items).toHaveLength(4);
  });

  it('in the middle of a run makes it unknown', async () => {
    const run = await lab('experiment', ['scale', ...SHORT, '--json'], {
      once: {
        text: 'greeter-server-treatment from 5 to 10',
        act: async () => process.kill(await supervisorOf(LAB), 'SIGKILL'),
      },
    });
    expect(run.exitCode).toBe(3);
    expect((await up()).exitCode).toBe(0);
    expect(await leftOvers(LAB)).toEqual([]);
  });
});

describe('a supervisor that does not answer', () => {
  it('is not taken for none: its pods stay', async () => {
    const pods = async () =>
      (await connectTo(LAB).core.listPodForAllNamespaces()).items.map(({ metadata }) => metadata?.uid).sort();
    const before = await pods();
    const pid = await supervisorOf(LAB);
    process.kill(pid, 'SIGSTOP');
    try {
      const again = await up();
      expect(again.stderr).toContain(`the supervisor of "${LAB}" does not answer`);
      expect(again.exitCode).toBe(1);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await supervisorOf(LAB)).toBe(pid);
    expect(await pods()).toEqual(before);
  });
});

describe('a client that restarts in the middle of a run', () => {
  it('makes it unknown, by name', async () => {
    const run = await lab('experiment', ['scale', ...SHORT], {
      once: { text: 'window: watching', act: () => killPod('greeter-client-treatment') },
    });
    expect(run.stdout).toMatch(/greeter-client-treatment-\S+ was restarted/);
    expect(run.stdout).toContain('UNKNOWN');
    expect(run.exitCode).toBe(3);
    expect(await leftOvers(LAB)).toEqual([]);
  });
});

describe('a run that is interrupted', () => {
  it('leaves the lab as it found it after Ctrl-C', async () => {
    const run = await lab('experiment', ['scale', ...SHORT], {
      signal: { name: 'SIGINT', when: (stderr) => stderr.includes('baseline') },
    });
    expect(run.exitCode).toBe(130);
    expect(await leftOvers(LAB)).toEqual([]);
  });

  it('is cleared away by the next command after SIGKILL', async () => {
    await lab('experiment', ['scale', ...SHORT], {
      signal: { name: 'SIGKILL', when: (stderr) => stderr.includes('baseline') },
    });
    expect(await leftOvers(LAB)).not.toEqual([]);
    const again = await up();
    expect(again.stderr).toContain('deleted what an interrupted run left');
    expect(await leftOvers(LAB)).toEqual([]);
  });
});

describe('a lab whose folder is deleted', () => {
  it('ends by itself', async () => {
    const clusterId = await clusterIdOf(LAB);
    await rm(join(labRoot(), LAB), { recursive: true });
    await vi.waitFor(async () => expect(await processesOf(clusterId)).toEqual([]), 15_000);
    expect((await up()).exitCode).toBe(0);
  });
});

describe('two at once', () => {
  it('are one lab:up that works and one that says who does', async () => {
    await lab('lab-down', ['--name', LAB]);
    const [first, second] = await Promise.all([up(), up()]);
    expect([first.exitCode, second.exitCode].sort()).toEqual([0, 1]);
    expect(first.stderr + second.stderr).toContain(`the lab "${LAB}" is in use by lab:up`);
  });

  it('are two labs side by side, with addresses of their own', async () => {
    expect((await up(SECOND)).exitCode).toBe(0);
    const addresses = await Promise.all(
      [LAB, SECOND].map(async (name) => (await connectTo(name).core.listPodForAllNamespaces()).items),
    );
    const blocks = addresses.map((pods) => new Set(pods.map(({ status }) => status?.podIP?.split('.')[1])));
    expect(blocks.map((block) => block.size)).toEqual([1, 1]);
    expect(blocks[0]).not.toEqual(blocks[1]);
    expect((await lab('lab-down', ['--name', SECOND])).exitCode).toBe(0);
    expect((await connectTo(LAB).core.listNode()).items).toHaveLength(4);
  });
});
