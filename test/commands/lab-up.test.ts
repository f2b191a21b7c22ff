// lab:up with fake docker and kind programs and a fake API server: what it does, and what is left when it fails.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Checkout, checkout, checkoutWithCluster, readIfThere } from '../support/checkout.ts';
import { block, blockedStill } from '../support/fake-programs.ts';
import { DEPLOYMENTS, json, PODS, pod, REPLICA_SETS } from '../support/kube-api.ts';

const up = (here: Checkout, ...args: string[]) => here.run('lab-up', ['--name', here.name, ...args]);

describe.concurrent('lab:up', () => {
  it('makes a lab, finds nothing to do the second time, and starts over when the cluster is gone', async () => {
    await using here = await checkoutWithCluster();
    const first = await up(here);
    expect(first.stderr).toMatch(/Load the images: into 3 workers[\s\S]*Ready in .*: all nodes and pods of/);
    expect(first.stderr).toContain(`npm run experiment scale -- --name ${here.name}`);
    expect(first.stderr).not.toContain('\x1b');
    expect(first.stdout).toBe('');
    expect(first.exitCode).toBe(0);
    expect(here.kube.objects(DEPLOYMENTS)).toHaveLength(2);
    expect(await readIfThere(join(here.labDir, 'kubeconfig'))).toBe(here.kube.kubeconfig);
    expect(await readIfThere(join(here.labDir, 'images.tar'))).toBeUndefined();

    await here.fake.write('log', '');
    const second = await up(here);
    expect(second.stderr).toMatch(
      /Build the images: unchanged[\s\S]*Load the images: on every worker already/,
    );
    expect(second.exitCode).toBe(0);
    expect(await here.fake.read()).not.toMatch(/kind (create|delete|load)|docker (build|save|pull|start)/);

    const other = await up(here, '--control-planes', '3');
    expect(other.stderr).toMatch(
      /^error: the lab ".*" is up with another kind.yaml or number of control planes\n/,
    );
    expect(other.stderr).toContain('Run lab:down first');
    expect(other.exitCode).toBe(2);

    await here.fake.removeCluster(here.name);
    const third = await up(here);
    expect(third.stderr).toContain('Create the cluster');
    expect(third.exitCode).toBe(0);
  });

  it('starts nodes that have stopped', async () => {
    await using here = await checkoutWithCluster();
    await here.fake.addCluster(here.name, { mark: here.name, state: 'exited' });
    await here.fake.instead('docker start', 'sed -i s/exited/running/ "$state"/cluster-*/nodes');
    const { stderr, exitCode } = await up(here);
    expect(stderr).toMatch(/Find the cluster: started .*-control-plane, .*-worker1/);
    expect(exitCode).toBe(0);
  });

  it('leaves a cluster alone that it did not make', async () => {
    await using here = await checkout();
    await here.fake.addCluster(here.name);
    const { stderr, exitCode } = await up(here);
    expect(stderr).toMatch(
      /^error: there is a cluster "(.*)" that this lab did not make: it is not touched\n/,
    );
    expect(stderr).toContain(`kind delete cluster --name ${here.name}`);
    expect(exitCode).toBe(2);
    expect(await here.fake.read()).not.toMatch(/kind (create|delete|load)/);
  });

  it('names a full disk, and leaves no half archive behind', async () => {
    await using here = await checkoutWithCluster();
    await here.fake.instead(
      'docker save',
      'after --output "$@" | while read -r file; do echo half > "$file"; done\n' +
        'echo "write images.tar: no space left on device" >&2; exit 1',
    );
    const { stderr, exitCode } = await up(here);
    expect(stderr).toMatch(
      /error: this command failed:\n {2}docker save --output .*images.tar grpc-kind-lab\//,
    );
    expect(stderr).toMatch(/no space left on device\n {2}The disk is full: free some/);
    expect(exitCode).toBe(1);
    expect(await readIfThere(join(here.labDir, 'images.tar'))).toBeUndefined();
  });

  it('says which pod crashes and what it logged, at once', async () => {
    await using here = await checkoutWithCluster();
    const labels = { 'app.kubernetes.io/part-of': 'grpc-kind-lab', 'app.kubernetes.io/instance': 'lab' };
    here.kube.on(`GET ${DEPLOYMENTS}?`, (_, response) =>
      json(response, 200, { items: [{ metadata: { name: 'greeter-server', uid: 'deployment' } }] }),
    );
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: '', uid: 'deployment' }];
    here.kube.put(REPLICA_SETS, { metadata: { name: 'set', uid: 'set', labels, ownerReferences } });
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 10s' };
    here.kube.put(
      PODS,
      pod('greeter-server-abc', { labels, ready: false, restarts: 2, waiting, owner: 'set' }),
    );
    here.kube.on(`GET ${PODS}/greeter-server-abc/log`, (_, response) =>
      response.writeHead(200, { 'content-type': 'text/plain' }).end('boom\n'),
    );
    const { stderr, exitCode } = await up(here);
    expect(stderr).toMatch(
      /error: the pod greeter-server-abc will not get Ready: CrashLoopBackOff: back-off 10s\n {2}Its last log lines:\n {4}boom$/,
    );
    expect(exitCode).toBe(1);
  });
});

describe.concurrent('two commands on one lab', () => {
  it('do not work at the same time; the second names the first', async () => {
    await using here = await checkoutWithCluster();
    await here.fake.instead('kind create', block('creating'));
    let second: Awaited<ReturnType<typeof up>> | undefined;
    const first = await here.run('lab-up', ['--name', here.name], {
      signal: {
        name: 'SIGINT',
        when: async () => {
          if (!(await here.fake.has('creating'))) return false;
          second = await here.run('lab-down', ['--name', here.name]);
          return true;
        },
      },
    });
    expect(second?.stderr).toMatch(
      /^error: the lab ".*" is in use by lab:up \(pid \d+\)\n {2}Wait until it has/,
    );
    expect(second?.exitCode).toBe(1);
    expect(first.exitCode).toBe(130);
  });
});

describe.concurrent('Ctrl-C', () => {
  it.each(['kind nodes-started', 'docker build', 'kind load'])(
    'during %s: nothing goes on behind it, and the next lab:up goes on',
    async (subcommand) => {
      await using here = await checkoutWithCluster();
      await here.fake.instead(subcommand, block('blocked'));
      const interrupted = await here.run('lab-up', ['--name', here.name], {
        signal: { name: 'SIGINT', when: () => here.fake.has('blocked') },
      });
      expect(interrupted.stderr).toMatch(/Interrupted: cleaning up. Once more to leave at once.$/);
      expect(interrupted.exitCode).toBe(130);
      expect(await blockedStill(here.fake, 'blocked')).toEqual([]);
      expect(await readIfThere(join(here.labDir, 'images.tar'))).toBeUndefined();

      await here.fake.again(subcommand);
      await here.fake.write('log', '');
      const next = await up(here);
      expect(next.stderr).toMatch(/Ready in/);
      expect(next.exitCode).toBe(0);
      const partial = subcommand === 'kind nodes-started';
      expect((await here.fake.read()).includes(`kind delete cluster --name ${here.name}`)).toBe(partial);
    },
  );

  it('twice leaves at once', async () => {
    await using here = await checkoutWithCluster();
    await here.fake.instead('kind create', `trap '' TERM; ${block('blocked')}`);
    const again = async () => {
      const [, , lab] = (await here.fake.read('blocked')).trim().split(' ');
      const sentMs = performance.now();
      process.kill(Number(lab), 'SIGINT');
      return sentMs;
    };
    let sentMs = Number.NaN;
    const { exitCode } = await here.run('lab-up', ['--name', here.name], {
      signal: { name: 'SIGINT', when: () => here.fake.has('blocked') },
      once: {
        text: 'Once more',
        act: async () => {
          sentMs = await again();
        },
      },
    });
    // Well before what does not heed SIGTERM is killed.
    expect(performance.now() - sentMs).toBeLessThan(4000);
    expect(exitCode).toBe(130);
    for (const id of await blockedStill(here.fake, 'blocked')) process.kill(Number(id), 'SIGKILL');
  });
});
