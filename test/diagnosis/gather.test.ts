// What is gathered of a question, what is asked for it, and what is said of what cannot be seen.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Facts } from '../../scripts/diagnosis/facts.ts';
import { type Access, gatherFacts, readingAccess } from '../../scripts/diagnosis/gather/index.ts';
import { json, type KubeApi, kubeApi, refuse } from '../support/kube-api.ts';
import { at, SHOP, shop, shopPod } from './shop.ts';

let kube: KubeApi;
let access: Access;
const never = new AbortController().signal;

beforeEach(async () => {
  kube = await kubeApi();
  shop(kube);
  kube.on('GET /version', (_, response) => json(response, 200, { gitVersion: 'v1.34.0' }));
  for (const pod of ['web-abc-1', 'greeter-1'])
    kube.on(`GET ${at('pods', 'shop')}/${pod}/log`, (_, response) => response.end(`${pod} says hello\n`));
  access = await readingAccess(kube.api.kubeConfig, { signal: never });
});
afterEach(() => kube[Symbol.asyncDispose]());

const names = (objects: readonly { metadata?: { namespace?: string; name?: string } | undefined }[]) =>
  objects.map(({ metadata }) => [metadata?.namespace, metadata?.name].filter(Boolean).join('/')).sort();
const whyNot = ({ unseen }: Facts, what: string) => unseen.find((each) => each.what === what)?.why;

describe('the facts of a question', () => {
  it('are the objects of its namespaces, of those that the client dials, and of DNS', async () => {
    const facts = await gatherFacts(access, SHOP);
    expect(facts).toMatchObject({ version: 1, question: SHOP, kubernetes: 'v1.34.0' });
    const { objects } = facts;
    expect(names(objects.namespaces)).toEqual(['bank', 'default', 'kube-system', 'shop']);
    expect(names(objects.services)).toEqual(['bank/teller', 'kube-system/kube-dns', 'shop/greeter']);
    expect(names(objects.deployments)).toEqual(['bank/teller', 'kube-system/coredns', 'shop/web']);
    expect(names(objects.pods)).toEqual([
      'kube-system/coredns-1',
      'shop/cron-1',
      'shop/greeter-1',
      'shop/web-abc-1',
    ]);
    expect(names(objects.configMaps)).toEqual(['kube-system/coredns', 'settings']);
    for (const kind of [
      'endpointSlices',
      'statefulSets',
      'replicaSets',
      'networkPolicies',
      'events',
    ] as const)
      expect(names(objects[kind])).toContain('shop/one');
    expect(names(objects.networkPolicies)).toContain('kube-system/one');
    expect(facts.logs.map(({ pod, lines }) => [pod, lines])).toEqual([
      ['web-abc-1', ['web-abc-1 says hello']],
      ['greeter-1', ['greeter-1 says hello']],
    ]);
    expect(facts.unseen).toEqual([
      {
        what: expect.stringMatching(/^the way of a call from the client/),
        why: 'not asked for: --probe lets one short-lived pod try it',
      },
    ]);
  });

  it('are had by reading alone, and every request is written down', async () => {
    await gatherFacts(access, SHOP);
    expect(new Set(kube.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(kube.requests.filter(({ path }) => /secret/i.test(path))).toEqual([]);
    expect(kube.requests.filter(({ path }) => path.includes('unrelated'))).toEqual([]);
    expect(access.audit).toHaveLength(kube.requests.length);
    expect(new Set(access.audit.map(({ verb }) => verb))).toEqual(new Set(['get', 'list']));
    expect(access.audit).toContainEqual({ verb: 'list', resource: 'networkpolicies', namespace: 'shop' });
    expect(access.audit).toContainEqual({
      verb: 'get',
      resource: 'pods/log',
      namespace: 'shop',
      name: 'greeter-1',
    });
  });

  it('have neither secrets nor what no rule reads', async () => {
    kube.put(
      at('pods', 'shop'),
      shopPod('web-abc-1', {
        labels: { app: 'web' },
        owner: 'web-abc',
        env: [{ name: 'TOKEN', value: 'hunter2' }],
      }),
    );
    kube.on(`GET ${at('pods', 'shop')}/web-abc-1/log`, (_, response) => response.end('password=hunter2\n'));
    const facts = await gatherFacts(access, SHOP);
    const text = JSON.stringify(facts);
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain('managedFields');
    expect(text).not.toContain('"images"');
    expect(facts.objects.deployments.find(({ metadata }) => metadata?.name === 'web')).toMatchObject({
      spec: {
        template: {
          spec: {
            containers: [
              {
                env: [
                  { name: 'GREETER', value: 'dns:///greeter:80' },
                  { name: 'BANK' },
                  { name: 'DB_PASSWORD', value: '[redacted]' },
                ],
              },
            ],
          },
        },
      },
    });
  });

  it('have lists where the API server has null, and nothing where it has null for nothing', async () => {
    const facts = await gatherFacts(access, SHOP);
    expect(facts.objects.endpointSlices[0]).toMatchObject({ endpoints: [] });
    expect(JSON.stringify(facts)).not.toContain('null');
  });

  it('are each there once, also where DNS itself is in question', async () => {
    const { objects } = await gatherFacts(access, { ...SHOP, namespace: 'kube-system', service: 'kube-dns' });
    for (const list of Object.values(objects)) expect(names(list)).toEqual([...new Set(names(list))]);
    expect(names(objects.pods)).toContain('kube-system/proxy-1');
  });

  it('are of the client that is asked about, whatever kind it is', async () => {
    const template = { spec: { containers: [{ name: 'app', args: ['--target=teller.bank:443'] }] } };
    const object = { metadata: { name: 'agent', namespace: 'shop' }, spec: { template } };
    for (const resource of ['daemonsets', 'statefulsets']) kube.put(at(resource, 'shop'), object);
    kube.remove(at('deployments', 'shop'), 'web');
    for (const kind of ['DaemonSet', 'StatefulSet'] as const) {
      const { objects } = await gatherFacts(access, {
        ...SHOP,
        client: { kind, name: 'agent', namespace: 'shop' },
      });
      expect(names(objects.services)).toContain('bank/teller');
    }
  });
});

describe('what cannot be seen is said, and the rest is gathered', () => {
  it('when it is forbidden', async () => {
    for (const path of [at('networkpolicies', 'shop'), at('namespaces'), at('nodes')])
      kube.on(`GET ${path}?`, refuse(403, 'User "me" cannot list it'));
    kube.on(`GET ${at('pods', 'shop')}/greeter-1/log`, refuse(403, 'no'));
    const facts = await gatherFacts(access, SHOP);
    expect(whyNot(facts, 'NetworkPolicies in shop')).toBe('forbidden to list networkpolicies in shop');
    expect(whyNot(facts, 'Nodes')).toBe('forbidden to list nodes');
    expect(whyNot(facts, 'Namespaces')).toBe('forbidden to list namespaces');
    expect(whyNot(facts, 'the log of greeter-1 (app) in shop')).toBe('forbidden to get pods/log in shop');
    expect(facts.logs.map(({ pod }) => pod)).toEqual(['web-abc-1']);
    // Where namespaces cannot be listed, they are taken one by one, and from names that say so.
    expect(names(facts.objects.namespaces)).toEqual(['shop']);
    expect(names(facts.objects.services)).toContain('bank/teller');
    expect(facts.objects.networkPolicies).not.toContainEqual(
      expect.objectContaining({ metadata: { namespace: 'shop' } }),
    );
  });

  it('when everything is forbidden', async () => {
    kube.on('GET /api', refuse(403, 'no'));
    const { objects, logs, unseen } = await gatherFacts(access, SHOP);
    expect(Object.values(objects).flat()).toEqual([]);
    expect(logs).toEqual([]);
    expect(unseen.length).toBeGreaterThan(15);
    expect(unseen.every(({ why }) => /^(forbidden|not asked for)/.test(why))).toBe(true);
  });

  it('when the API server does not have it, or is broken', async () => {
    kube.on(
      `GET ${at('statefulsets', 'shop')}?`,
      refuse(404, 'the server could not find the requested resource'),
    );
    kube.on(`GET ${at('events', 'shop')}?`, refuse(500, 'etcd is away'));
    kube.on(`GET ${at('replicasets', 'shop')}?`, (_, response) => response.end('<html>Log in</html>'));
    kube.on(`GET ${at('configmaps', 'kube-system')}/coredns`, refuse(404, 'no'));
    const facts = await gatherFacts(access, SHOP);
    expect(whyNot(facts, 'StatefulSets in shop')).toBe('the API server has no StatefulSets');
    expect(whyNot(facts, 'Events in shop')).toBe('the API server answered 500: etcd is away');
    expect(whyNot(facts, 'ReplicaSets in shop')).toBe('the answer is no JSON');
    expect(whyNot(facts, 'ConfigMap coredns in kube-system')).toBe('not there');
  });

  it('when it goes away while it is looked at', async () => {
    kube.on(`GET ${at('pods', 'shop')}/greeter-1/log`, refuse(404, 'pods "greeter-1" not found'));
    kube.on(`GET ${at('configmaps', 'shop')}/settings`, refuse(404, 'gone'));
    kube.on(`GET ${at('deployments', 'shop')}/web`, (_, response) => {
      kube.remove(at('pods', 'shop'), 'greeter-1');
      json(response, 404, { message: 'gone' });
    });
    const facts = await gatherFacts(access, SHOP);
    expect(names(facts.objects.services)).toEqual(['kube-system/kube-dns', 'shop/greeter']);
    expect(whyNot(facts, 'Deployment web in shop')).toBe('not there');
  });
});
