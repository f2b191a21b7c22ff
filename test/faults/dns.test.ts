// DNS broken and mended, CoreDNS or another server, against an API server that keeps objects in memory.
import type { V1ConfigMap, V1Deployment } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { mendDns } from '../../scripts/cluster/index.ts';
import { dnsFault } from '../../scripts/faults/index.ts';
import { type KubeApi, kubeApi, pod, refuse } from '../support/kube-api.ts';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/kube-system/deployments';
const CONFIG_MAPS = '/api/v1/namespaces/kube-system/configmaps';
const PODS = '/api/v1/namespaces/kube-system/pods';
const CONTAINERS = [{ name: 'coredns', image: 'coredns:1', args: ['-conf', '/etc/coredns/Corefile'] }];
const TOLERATIONS = [
  { key: 'CriticalAddonsOnly', operator: 'Exists' },
  { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
];
const COREFILE = '.:53 {\n    errors\n    forward . /etc/resolv.conf\n}\n';

async function clusterWith({ corefile = COREFILE } = {}): Promise<KubeApi> {
  const kube = await kubeApi();
  const metadata = { name: 'coredns', namespace: 'kube-system', generation: 1 };
  const template = { spec: { containers: CONTAINERS, tolerations: TOLERATIONS } };
  const status = { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
  kube.put(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { replicas: 2, template },
    status,
  });
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { Corefile: corefile } };
  kube.put(CONFIG_MAPS, config);
  for (const name of ['coredns-1', 'coredns-2']) kube.put(PODS, dnsPod(name));
  return kube;
}

const dnsPod = (name: string) => pod(name, { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } });

/** As the cluster has it now. */
function coreDns(kube: KubeApi) {
  const [deployment, config] = [kube.objects(DEPLOYMENTS)[0], kube.objects(CONFIG_MAPS)[0]];
  const { metadata, spec } = deployment as V1Deployment;
  return {
    replicas: spec?.replicas,
    corefile: (config as V1ConfigMap).data?.Corefile,
    marks: Object.keys(metadata?.annotations ?? {}),
    restarts: spec?.template?.metadata?.annotations,
    pods: spec?.template?.spec,
  };
}

it('takes its replicas away, waits until its pods are gone, and brings them back', async () => {
  await using kube = await clusterWith();
  const fault = dnsFault(kube.api, { arm: 'connected', failure: 'down' });
  expect(fault).toMatchObject({ name: 'dns', arm: 'connected', detail: 'DNS is down' });
  let injected = false;
  const injecting = fault.inject().then(() => {
    injected = true;
  });
  await expect.poll(() => coreDns(kube).replicas).toBe(0);
  kube.remove(PODS, 'coredns-1');
  expect(injected).toBe(false);
  kube.remove(PODS, 'coredns-2');
  await injecting;
  expect(coreDns(kube)).toMatchObject({ corefile: COREFILE, marks: ['grpc-kind-lab.dev/before-fault'] });

  const healing = fault.heal();
  await expect.poll(() => coreDns(kube).replicas).toBe(2);
  expect(coreDns(kube).marks).toHaveLength(1);
  for (const name of ['coredns-3', 'coredns-4']) kube.put(PODS, dnsPod(name));
  await healing;
  expect(coreDns(kube)).toMatchObject({ replicas: 2, corefile: COREFILE, marks: [] });
});

it.each(['SERVFAIL', 'NXDOMAIN'] as const)(
  'lets it answer %s, in pods that have read it',
  async (failure) => {
    await using kube = await clusterWith();
    const fault = dnsFault(kube.api, { arm: 'connected', failure });
    await fault.inject();
    const broken = coreDns(kube);
    expect(broken.corefile).toBe(
      `.:53 {\n    template ANY ANY {\n        rcode ${failure}\n    }\n    errors\n    forward . /etc/resolv.conf\n}\n`,
    );
    expect(broken.restarts).toHaveProperty(['kubectl.kubernetes.io/restartedAt']);
    await fault.heal();
    expect(coreDns(kube)).toMatchObject({ replicas: 2, corefile: COREFILE, marks: [] });
    // Once more does no harm.
    const before = kube.requests.length;
    await fault.heal();
    expect(kube.requests.slice(before).map(({ method }) => method)).toEqual(['GET', 'GET']);
  },
);

it('is mended by whoever comes after a run that was killed', async () => {
  await using kube = await clusterWith();
  await dnsFault(kube.api, { arm: 'connected', failure: 'SERVFAIL' }).inject();
  expect(await mendDns(kube.api)).toBe(true);
  expect(coreDns(kube)).toMatchObject({ corefile: COREFILE, marks: [] });
  expect(await mendDns(kube.api)).toBe(false);
});

it('is what it was at first, also where it is broken twice', async () => {
  await using kube = await clusterWith();
  for (const failure of ['SERVFAIL', 'NXDOMAIN'] as const)
    await dnsFault(kube.api, { arm: 'connected', failure }).inject();
  expect(coreDns(kube).corefile).toContain('NXDOMAIN');
  await mendDns(kube.api);
  expect(coreDns(kube)).toMatchObject({ replicas: 2, corefile: COREFILE, marks: [] });
});

it('begins anew where a mend was cut off when the Corefile was written', async () => {
  await using kube = await clusterWith();
  const fault = dnsFault(kube.api, { arm: 'connected', failure: 'SERVFAIL' });
  await fault.inject();
  let refused = false;
  kube.on(`PATCH ${DEPLOYMENTS}`, refuse(500, 'not now'));
  await fault.heal().catch(() => {
    refused = true;
  });
  expect([refused, coreDns(kube).corefile]).toEqual([true, COREFILE]);
  await using again = await clusterWith();
  for (const [path, objects] of [
    [DEPLOYMENTS, kube.objects(DEPLOYMENTS)],
    [CONFIG_MAPS, kube.objects(CONFIG_MAPS)],
  ] as const)
    for (const object of objects) again.put(path, object);
  const before = again.requests.length;
  await mendDns(again.api);
  const patched = again.requests
    .slice(before)
    .filter(({ method, path }) => method === 'PATCH' && path.includes('deployments'));
  expect(patched[0]?.body).toContain('restartedAt');
});

it('stays marked until it is mended', async () => {
  await using kube = await clusterWith();
  const fault = dnsFault(kube.api, { arm: 'connected', failure: 'SERVFAIL' });
  await fault.inject();
  kube.on(`PATCH ${CONFIG_MAPS}`, refuse(500, 'not now'));
  await expect(fault.heal()).rejects.toThrow();
  expect(coreDns(kube).marks).toHaveLength(1);
});

it('is left alone where its Corefile is not as kubeadm writes it', async () => {
  await using kube = await clusterWith({ corefile: 'example.org {\n}\n' });
  const fault = dnsFault(kube.api, { arm: 'connected', failure: 'SERVFAIL' });
  await expect(fault.inject()).rejects.toThrow('has no block ".:53 {"');
  expect(coreDns(kube)).toMatchObject({ replicas: 2, marks: [] });
});

it('keeps what others have changed meanwhile of what it did not', async () => {
  await using kube = await clusterWith();
  const fault = dnsFault(kube.api, { arm: 'connected', failure: 'SERVFAIL' });
  await fault.inject();
  const [broken] = kube.objects(DEPLOYMENTS) as V1Deployment[];
  const containers = [{ name: 'coredns', image: 'coredns:2' }];
  kube.put(DEPLOYMENTS, { ...broken, spec: { ...broken?.spec, template: { spec: { containers } } } });
  await fault.heal();
  expect(coreDns(kube)).toMatchObject({ corefile: COREFILE, marks: [], pods: { containers } });
});

describe('slow', () => {
  const slow = (kube: KubeApi) => {
    const containers = [{ name: 'greeter-server', image: 'grpc-kind-lab/greeter-server:1' }];
    const metadata = { name: 'greeter-server', namespace: 'grpc-kind-lab' };
    const spec = { template: { spec: { containers } } };
    const server = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec };
    kube.put(DEPLOYMENTS.replace('kube-system', 'grpc-kind-lab'), server);
    return dnsFault(kube.api, { arm: 'connected', failure: 'slow', delayMs: 3000 });
  };

  it('has a relay before it, of the image that workers have, and nowhere else', async () => {
    await using kube = await clusterWith();
    const fault = slow(kube);
    expect(fault.detail).toBe('DNS takes 3.0s to answer');
    await fault.inject();
    const { corefile, pods, marks } = coreDns(kube);
    expect(corefile).toBe(COREFILE.replace('53', '5353'));
    expect(pods?.containers).toMatchObject([
      CONTAINERS[0] ?? {},
      {
        image: 'grpc-kind-lab/greeter-server:1',
        command: ['node', '/app/dns-relay.js'],
        env: [
          { name: 'DNS_RELAY_TARGET_PORT', value: '5353' },
          { name: 'DNS_RELAY_DELAY_MS', value: '3000' },
        ],
      },
    ]);
    expect(pods?.tolerations).toEqual([TOLERATIONS[0]]);
    expect(marks).toHaveLength(1);
    await fault.heal();
    expect(coreDns(kube)).toMatchObject({ replicas: 2, corefile: COREFILE, marks: [] });
    expect(coreDns(kube).pods).toEqual({ containers: CONTAINERS, tolerations: TOLERATIONS });
  });

  it('is what it was at first where it is broken otherwise then', async () => {
    await using kube = await clusterWith();
    await slow(kube).inject();
    await dnsFault(kube.api, { arm: 'connected', failure: 'SERVFAIL' }).inject();
    expect(coreDns(kube).pods).toEqual({ containers: CONTAINERS, tolerations: TOLERATIONS });
    expect(await mendDns(kube.api)).toBe(true);
    expect(coreDns(kube)).toMatchObject({ replicas: 2, corefile: COREFILE, marks: [] });
  });

  it('is left alone where its Corefile is not as kubeadm writes it', async () => {
    await using kube = await clusterWith({ corefile: 'example.org {\n}\n' });
    await expect(slow(kube).inject()).rejects.toThrow('has no block ".:53 {"');
    expect(coreDns(kube)).toMatchObject({ pods: { containers: CONTAINERS }, marks: [] });
  });
});

describe('without CoreDNS', () => {
  const clusterWithout = async () => {
    const kube = await kubeApi();
    kube.on(`GET ${DEPLOYMENTS}/coredns`, refuse(404, 'no'));
    return kube;
  };
  const faultsIn = (kube: KubeApi) => kube.objects(CONFIG_MAPS).map((object) => (object as V1ConfigMap).data);

  it('is what a ConfigMap says, as long as that is there', async () => {
    await using kube = await clusterWithout();
    const slow = dnsFault(kube.api, { arm: 'connected', failure: 'slow', delayMs: 3000 });
    await slow.inject();
    expect(faultsIn(kube)).toEqual([{ failure: 'slow', delayMs: '3000' }]);
    const down = dnsFault(kube.api, { arm: 'connected', failure: 'down' });
    await down.inject();
    expect(faultsIn(kube)).toEqual([{ failure: 'down' }]);
    expect(down.detail).toBe('DNS is down');
    expect(await mendDns(kube.api)).toBe(true);
    expect(faultsIn(kube)).toEqual([]);
    kube.on(`DELETE ${CONFIG_MAPS}/dns-fault`, refuse(404, 'not found'));
    expect(await mendDns(kube.api)).toBe(false);
  });
});
