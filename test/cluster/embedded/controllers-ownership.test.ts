import { describe, expect, test } from 'vitest';
import { withClusterIp, withKeptClusterIp } from '../../../scripts/cluster/embedded/cluster-ip.ts';
import { deleteObject } from '../../../scripts/cluster/embedded/delete-object.ts';
import { createAddresses } from '../../../scripts/cluster/embedded/network/addresses.ts';
import type { Service } from '../../../scripts/cluster/embedded/objects.ts';
import type { Store } from '../../../scripts/cluster/embedded/store.ts';
import {
  createDeployment,
  createPod,
  createService,
  eventsOf,
  type Lab,
  NAMESPACE,
  podsOf,
  runToEnd,
  useLab,
} from './controllers-lab.ts';

const setsOf = ({ store }: Lab) => store.list('replicasets', NAMESPACE);
const deploymentOf = ({ store }: Lab) => store.get('deployments', NAMESPACE, 'web');
async function running(): Promise<Lab> {
  const lab = useLab();
  createDeployment(lab.store, 'web');
  await runToEnd(lab);
  return lab;
}

describe('deleting a deployment', () => {
  test('in the background takes its pods with it, gracefully', async () => {
    const lab = await running();
    deleteObject(lab.store, 'deployments', NAMESPACE, 'web');
    expect(deploymentOf(lab)).toBeUndefined();
    await lab.settle();
    expect(setsOf(lab)).toEqual([]);
    expect(podsOf(lab).map(({ metadata }) => metadata.deletionGracePeriodSeconds)).toEqual([7, 7, 7]);
    await runToEnd(lab);
    expect(podsOf(lab)).toEqual([]);
  });

  test('in the foreground stays until the last pod is gone', async () => {
    const lab = await running();
    deleteObject(lab.store, 'deployments', NAMESPACE, 'web', 'foregroundDeletion');
    await lab.settle();
    expect(deploymentOf(lab)?.metadata.deletionTimestamp).toBeDefined();
    expect(setsOf(lab)).toMatchObject([{ metadata: { finalizers: ['foregroundDeletion'] } }]);
    const names = podsOf(lab).map(({ metadata }) => metadata.name);
    expect(names).toHaveLength(3);
    for (const name of names) {
      expect(deploymentOf(lab)).toBeDefined();
      lab.store.remove('pods', NAMESPACE, name);
      await lab.settle();
    }
    expect([podsOf(lab), setsOf(lab), deploymentOf(lab)]).toEqual([[], [], undefined]);
  });

  test('as orphans leaves its replica set and pods, which a new one takes over', async () => {
    const lab = await running();
    deleteObject(lab.store, 'deployments', NAMESPACE, 'web', 'orphan');
    await lab.settle();
    expect(deploymentOf(lab)).toBeUndefined();
    expect(setsOf(lab)).toHaveLength(1);
    expect(setsOf(lab)[0]?.metadata).not.toHaveProperty('ownerReferences');
    const before = podsOf(lab).map(({ metadata }) => metadata.uid);
    const again = createDeployment(lab.store, 'web');
    await runToEnd(lab);
    expect(setsOf(lab)).toMatchObject([{ metadata: { ownerReferences: [{ uid: again.metadata.uid }] } }]);
    expect(podsOf(lab).map(({ metadata }) => metadata.uid)).toEqual(before);
  });
});

test('one that waits for its end takes nothing in', async () => {
  const lab = await running();
  const name = setsOf(lab)[0]?.metadata.name ?? '';
  lab.store.update('replicasets', NAMESPACE, name, (before) => ({
    ...before,
    metadata: { ...before.metadata, finalizers: ['lab/hold'], deletionTimestamp: '2026-01-01T00:00:00Z' },
  }));
  createPod(lab.store, 'stray', {}, podsOf(lab)[0]?.metadata.labels);
  await runToEnd(lab);
  expect(lab.store.get('pods', NAMESPACE, 'stray')?.metadata).not.toHaveProperty('ownerReferences');
});

test('a replica set that is deleted is made again, with pods of its own', async () => {
  const lab = await running();
  const before = podsOf(lab).map(({ metadata }) => metadata.uid);
  deleteObject(lab.store, 'replicasets', NAMESPACE, setsOf(lab)[0]?.metadata.name ?? '');
  await runToEnd(lab);
  expect(setsOf(lab)).toHaveLength(1);
  expect(podsOf(lab)).toHaveLength(3);
  expect(podsOf(lab).some(({ metadata }) => before.includes(metadata.uid))).toBe(false);
});

describe('an object with owners', () => {
  const owned = (store: Store, name: string, uids: string[]) =>
    store.create('configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name,
        namespace: NAMESPACE,
        ownerReferences: uids.map((uid) => ({ apiVersion: 'v1', kind: 'Service', name: 'x', uid })),
      },
    });

  test('of which one goes keeps the other, and goes with the last', async () => {
    const lab = useLab();
    const [one, two] = [createService(lab.store, 'one'), createService(lab.store, 'two')];
    owned(lab.store, 'both', [one.metadata.uid, two.metadata.uid]);
    await lab.settle();
    lab.store.remove('services', NAMESPACE, 'one');
    await lab.settle();
    expect(lab.store.get('configmaps', NAMESPACE, 'both')?.metadata.ownerReferences).toMatchObject([
      { uid: two.metadata.uid },
    ]);
    lab.store.remove('services', NAMESPACE, 'two');
    await lab.settle();
    expect(lab.store.get('configmaps', NAMESPACE, 'both')).toBeUndefined();
  });

  test('that never were goes at once; one with a finalizer waits for it', async () => {
    const lab = useLab();
    owned(lab.store, 'stray', ['nobody']);
    await lab.settle();
    expect(lab.store.get('configmaps', NAMESPACE, 'stray')).toBeUndefined();
    const owner = createService(lab.store, 'one');
    owned(lab.store, 'held', [owner.metadata.uid]);
    const setFinalizers = (finalizers: string[]) =>
      lab.store.update('configmaps', NAMESPACE, 'held', (before) => ({
        ...before,
        metadata: { ...before.metadata, finalizers },
      }));
    setFinalizers(['lab/hold']);
    lab.store.remove('services', NAMESPACE, 'one');
    await lab.settle();
    expect(lab.store.get('configmaps', NAMESPACE, 'held')?.metadata.deletionTimestamp).toBeDefined();
    setFinalizers([]);
    expect(lab.store.get('configmaps', NAMESPACE, 'held')).toBeUndefined();
  });

  test('a pod that ends is not removed with its last finalizer, but by its kubelet', async () => {
    const lab = useLab();
    createPod(lab.store, 'runs', { nodeName: 'worker-1' });
    deleteObject(lab.store, 'pods', NAMESPACE, 'runs', 'foregroundDeletion');
    await lab.settle();
    expect(lab.store.get('pods', NAMESPACE, 'runs')?.metadata).toMatchObject({
      finalizers: [],
      deletionGracePeriodSeconds: 30,
    });
  });
});

describe('a namespace', () => {
  const furniture = ({ store }: Lab, namespace = NAMESPACE) => [
    store.get('serviceaccounts', namespace, 'default')?.metadata.name,
    store.get('configmaps', namespace, 'kube-root-ca.crt')?.data,
  ];

  test('has a service account and the CA, however often they are deleted', async () => {
    const lab = useLab();
    await lab.settle();
    expect(furniture(lab)).toEqual(['default', { 'ca.crt': 'PEM' }]);
    lab.store.remove('serviceaccounts', NAMESPACE, 'default');
    lab.store.remove('configmaps', NAMESPACE, 'kube-root-ca.crt');
    await lab.settle();
    expect(furniture(lab)).toEqual(['default', { 'ca.crt': 'PEM' }]);
    lab.store.update('configmaps', NAMESPACE, 'kube-root-ca.crt', (before) => ({ ...before, data: {} }));
    lab.store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new' } });
    await lab.settle();
    expect(furniture(lab)).toEqual(['default', { 'ca.crt': 'PEM' }]);
    expect(furniture(lab, 'new')).toEqual(['default', { 'ca.crt': 'PEM' }]);
  });

  test('that is deleted goes when everything in it is gone', async () => {
    const lab = await running();
    createService(lab.store, 'web');
    createPod(lab.store, 'alone');
    await runToEnd(lab);
    lab.store.update('namespaces', '', NAMESPACE, (before) => ({
      ...before,
      metadata: { ...before.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    }));
    await lab.settle();
    expect(lab.store.get('namespaces', '', NAMESPACE)?.status?.phase).toBe('Terminating');
    expect(lab.store.list('events', NAMESPACE)).toEqual([]);
    expect(podsOf(lab)).toHaveLength(4);
    expect(podsOf(lab).every(({ metadata }) => metadata.deletionTimestamp)).toBe(true);
    await runToEnd(lab);
    expect(lab.store.get('namespaces', '', NAMESPACE)).toBeUndefined();
    for (const resource of [
      'deployments',
      'replicasets',
      'pods',
      'services',
      'endpointslices',
      'events',
      'configmaps',
      'serviceaccounts',
    ] as const)
      expect(lab.store.list(resource, NAMESPACE), resource).toEqual([]);
    expect(furniture(lab, 'default')).toEqual(['default', { 'ca.crt': 'PEM' }]);
    expect(lab.logged).toEqual([]);
  });
});

describe('the virtual address of a service', () => {
  const service = (spec: NonNullable<Service['spec']>) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: NAMESPACE },
    spec,
  });

  test('is a free one, the one that it asks for, or none', () => {
    const addresses = createAddresses(201);
    const { clusterIP, clusterIPs } = withClusterIp(service({}), addresses).spec;
    expect(clusterIP).toMatch(/^127\.201\.24\d\.\d+$/);
    expect(clusterIPs).toEqual([clusterIP]);
    const asked = { clusterIP: '127.201.241.7' };
    expect(withClusterIp(service(asked), addresses).spec).toMatchObject({ clusterIPs: ['127.201.241.7'] });
    expect(() => withClusterIp(service(asked), addresses)).toThrow(/already allocated/);
    expect(() => withClusterIp(service({ clusterIP: '10.0.0.1' }), addresses)).toThrow(
      /does not match the current range/,
    );
    expect(withClusterIp(service({ clusterIP: 'None' }), addresses).spec).toEqual({
      clusterIP: 'None',
      clusterIPs: ['None'],
    });
  });

  test('stays when a replacement says nothing of it', () => {
    const asked = { clusterIP: '127.201.241.7', clusterIPs: ['127.201.241.7'], ipFamilies: ['IPv4'] };
    const kept = (spec: NonNullable<Service['spec']>) =>
      withKeptClusterIp(service(spec), { spec: asked } as Service).spec;
    expect(kept({ clusterIP: '', clusterIPs: [] })).toEqual(asked);
    expect(kept({})).toEqual(asked);
    expect(kept({ clusterIP: 'None' })).toEqual({ clusterIP: 'None' });
  });

  test('is given back with it, and given to one that came without', async () => {
    const lab = useLab();
    lab.store.create('services', service({ ports: [] }));
    await lab.settle();
    const { clusterIP = '' } = lab.store.get('services', NAMESPACE, 'web')?.spec ?? {};
    expect(lab.addresses.claimService(clusterIP)).toBe(false);
    lab.store.remove('services', NAMESPACE, 'web');
    expect(lab.addresses.claimService(clusterIP)).toBe(true);
  });
});

test('there is no event about an object without a namespace to keep it in', async () => {
  const lab = useLab({ nodes: 0 });
  lab.store.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'lost', namespace: 'nowhere' },
  });
  await lab.settle();
  expect(lab.store.get('pods', 'nowhere', 'lost')?.status?.conditions).toHaveLength(1);
  expect(lab.store.list('events')).toEqual([]);
});

test('an event that comes again is counted', async () => {
  const lab = useLab({ nodes: 0 });
  createPod(lab.store, 'lost');
  await lab.settle();
  const said = eventsOf(lab, 'lost');
  lab.store.update('pods', NAMESPACE, 'lost', (before) => ({
    ...before,
    metadata: { ...before.metadata, labels: { a: 'reason to try again' } },
    status: { phase: 'Pending' },
  }));
  await lab.settle();
  expect(eventsOf(lab, 'lost')).toEqual(said);
  expect(lab.store.list('events', NAMESPACE)).toMatchObject([
    { count: 2, type: 'Warning', source: { component: 'default-scheduler' } },
  ]);
});
