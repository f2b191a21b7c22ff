import { describe, expect, test } from 'vitest';
import { planSlices } from '../../../scripts/cluster/embedded/controllers/endpoint-slice/reconcile.ts';
import { deletePod } from '../../../scripts/cluster/embedded/delete-pod.ts';
import type { EndpointSlice } from '../../../scripts/cluster/embedded/objects.ts';
import {
  createDeployment,
  createPod,
  createService,
  type Lab,
  NAMESPACE,
  podsOf,
  runToEnd,
  setPhase,
  setReady,
  slicesOf,
  templateOf,
  useLab,
} from './controllers-lab.ts';

const endpointsOf = (lab: Lab, service = 'web') =>
  slicesOf(lab, service).flatMap(({ endpoints }) => endpoints ?? []);
const changeService = ({ store }: Lab, name: string, spec: object) =>
  store.update('services', NAMESPACE, name, (before) => ({ ...before, spec: { ...before.spec, ...spec } }));
/** One that serves, on worker-1 unless said. */
function servingPod(lab: Lab, name: string, port = 50051, node = 'worker-1'): void {
  const containers = [{ name: 'main', image: 'greeter:1', ports: [{ name: 'grpc', containerPort: port }] }];
  createPod(lab.store, name, { containers, nodeName: node }, { app: 'web' });
  setReady(lab, name);
}

describe('the slice of a service', () => {
  test('carries its labels, its owner and the numbers of its ports', async () => {
    const lab = useLab();
    const service = createService(lab.store, 'web', {
      ports: [
        { name: 'grpc', port: 80, targetPort: 'grpc', protocol: 'TCP', appProtocol: 'kubernetes.io/h2c' },
        { name: 'same', port: 8080, protocol: 'TCP' },
        { name: 'number', port: 80, targetPort: 9000, protocol: 'TCP' },
        { name: 'nowhere', port: 80, targetPort: 'unknown', protocol: 'TCP' },
        { name: 'udp', port: 80, targetPort: 'grpc', protocol: 'UDP' },
      ],
    });
    servingPod(lab, 'one', 50051, 'worker-3');
    const since = lab.store.get('pods', NAMESPACE, 'one')?.status?.conditions?.[0]?.lastTransitionTime;
    await lab.settle();
    const pod = lab.store.get('pods', NAMESPACE, 'one');
    const [slice, ...others] = slicesOf(lab, 'web');
    expect(others).toEqual([]);
    expect(slice?.metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(slice).toMatchObject({
      metadata: {
        generateName: 'web-',
        labels: {
          team: 'lab',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          'service.kubernetes.io/headless': '',
        },
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': since },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Service', name: 'web', uid: service.metadata.uid, controller: true },
        ],
      },
      addressType: 'IPv4',
    });
    expect(slice?.ports).toEqual([
      { name: 'grpc', port: 50051, protocol: 'TCP', appProtocol: 'kubernetes.io/h2c' },
      { name: 'same', port: 8080, protocol: 'TCP' },
      { name: 'number', port: 9000, protocol: 'TCP' },
    ]);
    expect(slice?.endpoints).toEqual([
      {
        addresses: [pod?.status?.podIP],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: 'worker-3',
        targetRef: { kind: 'Pod', name: 'one', namespace: NAMESPACE, uid: pod?.metadata.uid },
        zone: 'b',
      },
    ]);
  });

  test('is there with no endpoint, before the first and after the last', async () => {
    const lab = useLab();
    createService(lab.store, 'web', { clusterIP: '127.201.240.99' });
    await lab.settle();
    const [empty] = slicesOf(lab, 'web');
    expect(empty).toMatchObject({ endpoints: [], ports: [] });
    expect(empty?.metadata.labels).not.toHaveProperty('service.kubernetes.io/headless');
    servingPod(lab, 'one');
    setReady(lab, 'one', true, Date.parse('2050-01-01T00:00:00Z'));
    await lab.settle();
    expect(endpointsOf(lab)).toHaveLength(1);
    expect(slicesOf(lab, 'web')[0]?.metadata.annotations).toEqual({
      'endpoints.kubernetes.io/last-change-trigger-time': '2050-01-01T00:00:00Z',
    });
    lab.store.remove('pods', NAMESPACE, 'one');
    await lab.settle();
    expect(slicesOf(lab, 'web')).toMatchObject([
      { metadata: { name: empty?.metadata.name }, endpoints: [], ports: [] },
    ]);
    const version = lab.store.version();
    createPod(lab.store, 'other', { nodeName: 'worker-1' }, { app: 'web' });
    await lab.settle();
    // One without an address is no endpoint, and nothing to write.
    expect(lab.store.version()).toBe(version + 1);
  });

  test('says whether a pod is ready, serving, terminating', async () => {
    const lab = useLab();
    createService(lab.store, 'web');
    createService(lab.store, 'early', { selector: { app: 'web' }, publishNotReadyAddresses: true });
    servingPod(lab, 'one');
    const conditions = async () => {
      await lab.settle();
      return [endpointsOf(lab, 'web')[0]?.conditions, endpointsOf(lab, 'early')[0]?.conditions];
    };
    setReady(lab, 'one', false);
    expect(await conditions()).toEqual([
      { ready: false, serving: false, terminating: false },
      { ready: true, serving: false, terminating: false },
    ]);
    setReady(lab, 'one');
    deletePod(lab.store, NAMESPACE, 'one');
    expect(await conditions()).toEqual([
      { ready: false, serving: true, terminating: true },
      { ready: true, serving: true, terminating: true },
    ]);
    setReady(lab, 'one', false);
    expect((await conditions())[0]).toEqual({ ready: false, serving: false, terminating: true });
    setPhase(lab, 'one', 'Failed');
    expect(await conditions()).toEqual([undefined, undefined]);
  });

  test('is one per set of port numbers', async () => {
    const lab = useLab();
    createService(lab.store, 'web');
    servingPod(lab, 'one', 50051);
    servingPod(lab, 'two', 50052);
    servingPod(lab, 'three', 50051);
    await lab.settle();
    const seen = slicesOf(lab, 'web').map(({ ports, endpoints }) => [ports?.[0]?.port, endpoints?.length]);
    expect(seen.sort()).toEqual([
      [50051, 2],
      [50052, 1],
    ]);
    lab.store.remove('pods', NAMESPACE, 'two');
    await lab.settle();
    expect(slicesOf(lab, 'web')).toHaveLength(1);
  });

  test('follows the selector, the labels and the ports of the service, and the labels of pods', async () => {
    const lab = useLab();
    createService(lab.store, 'web');
    servingPod(lab, 'one');
    await lab.settle();
    const [first] = slicesOf(lab, 'web');
    changeService(lab, 'web', { selector: { app: 'nothing' } });
    await lab.settle();
    expect(endpointsOf(lab)).toEqual([]);
    changeService(lab, 'web', {
      selector: { app: 'web' },
      ports: [{ name: 'grpc', port: 80, targetPort: 1234, protocol: 'TCP' }],
    });
    lab.store.update('services', NAMESPACE, 'web', (before) => ({
      ...before,
      metadata: { ...before.metadata, labels: { team: 'other' } },
    }));
    await lab.settle();
    expect(slicesOf(lab, 'web')).toMatchObject([
      {
        metadata: { name: first?.metadata.name, labels: { team: 'other' } },
        ports: [{ port: 1234 }],
        endpoints: [{}],
      },
    ]);
    lab.store.update('services', NAMESPACE, 'web', (before) => ({
      ...before,
      metadata: { ...before.metadata, labels: {} },
    }));
    await lab.settle();
    expect(slicesOf(lab, 'web')[0]?.metadata.labels).not.toHaveProperty('team');
    lab.store.update('pods', NAMESPACE, 'one', (before) => ({
      ...before,
      metadata: { ...before.metadata, labels: { app: 'quarantine' } },
    }));
    await lab.settle();
    expect(endpointsOf(lab)).toEqual([]);
  });

  test('comes back when somebody deletes it, goes with its service, and is not there without a selector', async () => {
    const lab = useLab();
    createService(lab.store, 'web');
    const { selector: _, ...bare } = createService(lab.store, 'manual').spec ?? {};
    lab.store.update('services', NAMESPACE, 'manual', (before) => ({ ...before, spec: bare }));
    servingPod(lab, 'one');
    await lab.settle();
    expect(slicesOf(lab, 'manual')).toEqual([]);
    const name = slicesOf(lab, 'web')[0]?.metadata.name ?? '';
    lab.store.remove('endpointslices', NAMESPACE, name);
    await lab.settle();
    expect(endpointsOf(lab)).toHaveLength(1);
    lab.store.remove('services', NAMESPACE, 'web');
    await lab.settle();
    expect(slicesOf(lab, 'web')).toEqual([]);
  });

  test('is another one for another service of the same name', async () => {
    const lab = useLab();
    createService(lab.store, 'web');
    servingPod(lab, 'one');
    await lab.settle();
    lab.store.remove('services', NAMESPACE, 'web');
    const again = createService(lab.store, 'web');
    await lab.settle();
    expect(slicesOf(lab, 'web').map(({ metadata }) => metadata.ownerReferences?.[0]?.uid)).toEqual([
      again.metadata.uid,
    ]);
    expect(endpointsOf(lab)).toHaveLength(1);
  });
});

describe('several slices', () => {
  test('hold no more than the maximum each', async () => {
    const lab = useLab({ maxEndpointsPerSlice: 3 });
    createService(lab.store, 'web');
    createDeployment(lab.store, 'web', { replicas: 8, template: templateOf('web') });
    await runToEnd(lab);
    expect(
      slicesOf(lab, 'web')
        .map(({ endpoints }) => endpoints?.length)
        .sort(),
    ).toEqual([2, 3, 3]);
    const addresses = endpointsOf(lab).flatMap((endpoint) => endpoint.addresses);
    expect(addresses.sort()).toEqual(
      podsOf(lab)
        .map(({ status }) => status?.podIP)
        .sort(),
    );
  });

  test('by default hold a hundred', async () => {
    const lab = useLab();
    createService(lab.store, 'web');
    createDeployment(lab.store, 'web', { replicas: 120, template: templateOf('web') });
    await runToEnd(lab);
    expect(
      slicesOf(lab, 'web')
        .map(({ endpoints }) => endpoints?.length)
        .sort(),
    ).toEqual([100, 20]);
  });

  test('one that does not change is not written', async () => {
    const lab = useLab({ maxEndpointsPerSlice: 2 });
    createService(lab.store, 'web');
    for (const name of ['one', 'two', 'three']) servingPod(lab, name);
    await lab.settle();
    const versions = () =>
      Object.fromEntries(
        slicesOf(lab, 'web').map(({ metadata }) => [metadata.name, metadata.resourceVersion]),
      );
    const before = versions();
    const isFull = ({ endpoints }: EndpointSlice) => endpoints?.length === 2;
    const full = slicesOf(lab, 'web').find(isFull)?.metadata.name ?? '';
    servingPod(lab, 'four');
    await lab.settle();
    expect(Object.keys(versions())).toEqual(Object.keys(before));
    expect(versions()[full]).toBe(before[full]);
  });
});

describe('where endpoints go', () => {
  const ports = [{ name: 'grpc', port: 50051, protocol: 'TCP' }];
  const slice = (name: string, ...addresses: string[]): EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '' },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address] })),
    ports,
  });
  const plan = (existing: EndpointSlice[], ...addresses: string[]) => {
    const desired = addresses.map((address) => ({ ports, endpoint: { addresses: [address] } }));
    const { drafts, unchanged, remove } = planSlices(desired, existing, 3);
    return {
      drafts: drafts.map(({ before, endpoints }) => [
        before?.metadata.name,
        ...endpoints.flatMap((e) => e.addresses),
      ]),
      unchanged: unchanged.map(({ metadata }) => metadata.name),
      remove: remove.map(({ metadata }) => metadata.name),
    };
  };

  test('one more goes to the fullest slice that has room', () => {
    expect(plan([slice('s1', 'a'), slice('s2', 'b', 'c'), slice('s3', 'd', 'e', 'f')], ...'abcdefg')).toEqual(
      {
        drafts: [['s2', 'b', 'c', 'g']],
        unchanged: ['s1', 's3'],
        remove: [],
      },
    );
  });
  test('a slice that changes anyway is filled first', () => {
    expect(plan([slice('s1', 'a', 'b'), slice('s2', 'c', 'd', 'e')], ...'abcdf')).toEqual({
      drafts: [['s2', 'c', 'd', 'f']],
      unchanged: ['s1'],
      remove: [],
    });
  });
  test('a slice is filled to the maximum, no further', () => {
    expect(plan([slice('s1', 'a', 'b', 'x')], ...'abcd')).toEqual({
      drafts: [
        ['s1', 'a', 'b', 'c'],
        [undefined, 'd'],
      ],
      unchanged: [],
      remove: [],
    });
  });
  test('more than fit into one get a new slice', () => {
    expect(plan([slice('s1', 'a', 'b')], ...'abcd')).toEqual({
      drafts: [[undefined, 'c', 'd']],
      unchanged: ['s1'],
      remove: [],
    });
  });
  test('a slice that is empty goes, or is what is new', () => {
    expect(plan([slice('s1', 'a'), slice('s2', 'b')], 'a')).toEqual({
      drafts: [],
      unchanged: ['s1'],
      remove: ['s2'],
    });
    expect(plan([slice('s1', 'a', 'b', 'c'), slice('s2', 'd')], ...'abce')).toEqual({
      drafts: [['s2', 'e']],
      unchanged: ['s1'],
      remove: [],
    });
  });
  test('the last one stays, with nothing in it', () => {
    expect(plan([slice('s1', 'a'), slice('s2', 'b')])).toEqual({
      drafts: [['s1']],
      unchanged: [],
      remove: ['s2'],
    });
    expect(plan([])).toEqual({ drafts: [[undefined]], unchanged: [], remove: [] });
  });
});
