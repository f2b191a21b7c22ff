// npm run diagnose, as a person sees it.
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../scripts/diagnosis/facts.ts';
import type { Answer } from '../../scripts/diagnosis/report/index.ts';
import { at, noFacts, SHOP, shop } from '../diagnosis/shop.ts';
import { type Checkout, checkout, checkoutWithCluster } from '../support/checkout.ts';
import { json, type KubeApi, kubeApi } from '../support/kube-api.ts';

const EXIT = { healthy: 0, cause: 1, unknown: 3 };
const WEB = ['--namespace', 'shop', '--service', 'greeter', '--client', 'deploy/web'];

/** A checkout, and a cluster of somebody's that its commands know as the context `fake`. */
async function beside(): Promise<Checkout & { kube: KubeApi; context: string[] }> {
  await using cleanup = new AsyncDisposableStack();
  const kube = cleanup.use(await kubeApi());
  shop(kube);
  const here = cleanup.use(await checkout());
  const kubeconfig = join(here.path, 'kubeconfig');
  await writeFile(kubeconfig, kube.kubeconfig);
  const kept = cleanup.move();
  return {
    ...here,
    kube,
    context: ['--context', 'fake', '--kubeconfig', kubeconfig],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

describe.concurrent('diagnose, of what cannot be, says what is wrong and ends with 2', () => {
  it.each([
    [['--servce', 'x'], "error: unknown option '--servce'\n(Did you mean --service?)"],
    [
      ['--client', 'job/web'],
      "error: option '--client <workload>' argument 'job/web' is invalid. Write it as deploy/NAME",
    ],
    [['--facts', 'a.json', '--context', 'b'], 'error: --facts has its own question, and no cluster'],
    [['--context', 'b'], 'error: it must be said which client is meant, and in which namespace'],
    [['--probe'], 'error: --probe is for other clusters'],
    [['extra'], 'error: this is not understood: extra'],
    [['--facts', '/nowhere/facts.json'], 'error: /nowhere/facts.json cannot be read: ENOENT'],
  ])('%j', async (args, message) => {
    await using here = await checkout();
    const { stdout, stderr, exitCode } = await here.run('diagnose', args);
    expect(stderr.startsWith(message), stderr).toBe(true);
    expect(stderr).not.toContain('    at ');
    expect([stdout, exitCode]).toEqual(['', 2]);
  });

  it.each([
    [
      ['--context', 'fkae', ...WEB],
      /^error: there is no context "fkae" in .*\n {2}Did you mean fake\?\n {2}There are: fake$/,
    ],
    [
      ['--context', 'fake', ...WEB, '--namespace', 'shpo'],
      /^error: there is no Namespace "shpo" in fake\n {2}Did you mean shop\?/m,
    ],
    [
      ['--context', 'fake', ...WEB, '--service', 'greter'],
      /^error: there is no Service "greter" in shop\n {2}Did you mean greeter\?/m,
    ],
    [
      ['--context', 'fake', ...WEB, '--client', 'wbe'],
      /^error: there is no Deployment "wbe" in shop\n {2}Did you mean web\?/m,
    ],
    [
      ['--context', 'fake', ...WEB, '--client-namespace', 'bank'],
      /^error: there is no Deployment "web" in bank/m,
    ],
  ])('%j', async (args, message) => {
    await using here = await beside();
    const { stdout, stderr, exitCode } = await here.run('diagnose', [...args, ...here.context.slice(2)]);
    expect(stderr).toMatch(message);
    expect([stdout, exitCode]).toEqual(['', 2]);
  });

  it('a lab that is not up', async () => {
    await using here = await checkout();
    const { stderr, exitCode } = await here.run('diagnose', ['--name', here.name]);
    expect(stderr).toMatch(/^error: there is no lab ".*"\n {2}npm run lab:up makes one\./);
    expect(exitCode).toBe(2);
    expect(existsSync(here.labDir)).toBe(false);
  });

  it('facts that are none', async () => {
    await using here = await checkout();
    const file = join(here.path, 'facts.json');
    await writeFile(file, '{"version":1}');
    const { stderr, exitCode } = await here.run('diagnose', ['--facts', file]);
    expect(stderr).toMatch(
      /^error: .*facts\.json has no facts of a diagnosis: at: .*\n {2}--write-facts of npm run diagnose/,
    );
    expect(exitCode).toBe(2);
  });
});

describe.concurrent('diagnose', () => {
  it('judges facts that were saved, without a cluster', async () => {
    await using here = await checkout();
    const file = join(here.path, 'facts.json');
    await writeFile(file, JSON.stringify({ ...noFacts(), unseen: [{ what: 'Nodes', why: 'forbidden' }] }));
    const { stdout, stderr, exitCode } = await here.run('diagnose', ['--facts', file, '--json']);
    const answer = JSON.parse(stdout) as Answer;
    expect(answer).toMatchObject({ unseen: [{ what: 'Nodes', why: 'forbidden' }], facts: file });
    expect(exitCode).toBe(EXIT[answer.verdict]);
    expect(stderr).toBe('');
  });

  it('looks at a cluster of somebody, changes nothing, and saves what it saw', async () => {
    await using here = await beside();
    const file = join(here.path, 'saved/facts.json');
    const { stdout, stderr, exitCode } = await here.run('diagnose', [
      ...here.context,
      ...WEB,
      ...['--write-facts', file, '--debug'],
    ]);
    const facts = JSON.parse(await readFile(file, 'utf8')) as Facts;
    expect(facts.question).toEqual(SHOP);
    expect(facts.objects.pods.length).toBeGreaterThan(3);
    expect(new Set(here.kube.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(stderr).toMatch(/What is asked: Deployment web → Service greeter\n.*Facts: 3 Services, 4 pods/);
    expect(stderr).toContain('asked: list networkpolicies shop');
    expect(stdout).toContain('Could not be checked');
    expect(stdout).toContain(`Facts: ${file}`);
    expect(stdout).not.toContain('\x1b');
    // The same answer comes from what was saved.
    const again = await here.run('diagnose', ['--facts', file]);
    expect(again.stdout).toBe(stdout);
    expect(again.exitCode).toBe(exitCode);
    expect(await readdir(here.path)).not.toContain('.lab');
  });

  it('takes what the client dials where no Service is named', async () => {
    await using here = await beside();
    const { stdout, stderr } = await here.run('diagnose', [
      ...here.context,
      ...['--namespace', 'shop', '--client', 'deployment/web', '--json'],
    ]);
    expect(stderr).toContain('What is asked: Deployment web → what it dials');
    expect(JSON.parse(stdout)).toMatchObject({ facts: null });
  });

  it('shows the pod that it starts with --probe, and removes it on Ctrl-C', async () => {
    await using here = await beside();
    const PODS = at('pods', 'shop');
    here.kube.on(`POST ${PODS}?`, ({ body }, response) => {
      here.kube.put(PODS, JSON.parse(body) as V1Pod);
      json(response, 201, {});
    });
    here.kube.on(`DELETE ${PODS}/`, ({ path }, response) => {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const isThere = here.kube.objects(PODS).some(({ metadata }) => metadata?.name === name);
      here.kube.remove(PODS, name);
      json(response, isThere ? 200 : 404, {});
    });
    const isMade = () =>
      here.kube.objects(PODS).some(({ metadata }) => /^grpc-diagnose/.test(metadata?.name ?? ''));
    const { stdout, stderr, exitCode } = await here.run(
      'diagnose',
      [...here.context, ...WEB, '--probe', '--probe-image', 'probe:1'],
      { signal: { name: 'SIGINT', when: isMade } },
    );
    expect(stderr).toMatch(
      /This pod is made, and removed again:\napiVersion: v1\nkind: Pod\n[\s\S]*image: probe:1/,
    );
    expect(isMade()).toBe(false);
    expect([stdout, exitCode]).toEqual(['', 130]);
  });
});

describe.concurrent('diagnose on the lab', { timeout: 180_000 }, () => {
  it('asks about its client and greeter-headless, or what an incident asks', async () => {
    await using here = await checkoutWithCluster();
    await here.run('lab-up', ['--name', here.name]);
    const run = () => here.run('diagnose', ['--name', here.name, '--json']);
    const first = await run();
    expect(first.stderr).toContain('What is asked: Deployment greeter-client → Service greeter-headless');
    const answer = JSON.parse(first.stdout) as Answer;
    expect(first.exitCode).toBe(EXIT[answer.verdict]);
    expect(answer.facts).toMatch(/\/\.lab\/runs\/\d{4}-\d\d-\d\dT\d{6}-diagnose\/facts\.json$/);
    expect(JSON.parse(await readFile(answer.facts ?? '', 'utf8'))).toMatchObject({ version: 1 });

    const question = {
      ...SHOP,
      namespace: 'grpc-kind-lab',
      client: { ...SHOP.client, name: 'greeter-client', namespace: 'grpc-kind-lab' },
    };
    const incident = { metadata: { name: 'incident' }, data: { question: JSON.stringify(question) } };
    here.kube.put(at('configmaps', 'grpc-kind-lab'), incident as never);
    expect((await run()).stderr).toContain('Deployment greeter-client → Service greeter\n');

    // 1 would say that a cause is named.
    await rm(join(here.labDir, 'kubeconfig'));
    const broken = await run();
    expect(broken.stderr).toMatch(/^error: .*kubeconfig cannot be read: ENOENT/);
    expect([broken.stdout, broken.exitCode]).toEqual(['', 3]);

    // Facts are no runs.
    const list = await here.run('report', ['--list']);
    expect(list.stdout).toBe('');
    expect(list.stderr).toBe('');
  });
});
