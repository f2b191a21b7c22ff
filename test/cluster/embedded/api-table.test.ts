import { describe, expect, it } from 'vitest';
import { humanDuration } from '../../../scripts/cluster/embedded/api/table/duration.ts';
import { tableOf } from '../../../scripts/cluster/embedded/api/table.ts';
import type { KubeObject } from '../../../scripts/cluster/embedded/objects.ts';
import { type Resource, resources } from '../../../scripts/cluster/embedded/resources.ts';

const nowMs = Date.parse('2026-11-22T00:10:00Z');
const time = (agoMs: number) => `${new Date(nowMs - agoMs).toISOString().slice(0, 19)}Z`;

function row(resource: Resource, object: object): Record<string, unknown> {
  const metadata = { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: time(90_000) };
  const given = object as { metadata?: object };
  const whole = {
    kind: resource.kind,
    ...object,
    metadata: { ...metadata, ...given.metadata },
  } as KubeObject;
  const { columnDefinitions, rows } = tableOf(resource, [whole], nowMs);
  expect(rows[0]?.cells).toHaveLength(columnDefinitions.length);
  return Object.fromEntries(columnDefinitions.map(({ name }, index) => [name, rows[0]?.cells[index]]));
}

describe('ages', () => {
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  it.each([
    [-5 * second, '<invalid>'],
    [-1 * second, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [120 * second, '2m'],
    [9 * minute + 59 * second, '9m59s'],
    [10 * minute + 5 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [7 * hour + 30 * minute, '7h30m'],
    [8 * hour + 30 * minute, '8h'],
    [47 * hour, '47h'],
    [48 * hour, '2d'],
    [3 * day + 4 * hour, '3d4h'],
    [8 * day + 4 * hour, '8d'],
    [729 * day, '729d'],
    [735 * day, '2y5d'],
    [9 * 365 * day, '9y'],
  ])('%d ms is %s', (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });
});

describe('a pod’s row', () => {
  type Status = { waiting?: string; exit?: number; reason?: string; ready?: boolean; restarts?: number };
  const container = ({ waiting, exit, reason, ready = false, restarts = 0 }: Status) => ({
    name: 'a',
    ready,
    restartCount: restarts,
    state: waiting
      ? { waiting: { reason: waiting } }
      : exit === undefined
        ? { running: {} }
        : { terminated: { exitCode: exit, ...(reason ? { reason } : {}) } },
    ...(restarts ? { lastState: { terminated: { finishedAt: time(300_000) } } } : {}),
  });
  const pod = (
    phase: string,
    containers: Status[],
    more: { inits?: Status[]; metadata?: object; status?: object } = {},
  ) => ({
    metadata: more.metadata ?? {},
    spec: {
      containers: containers.map(() => ({})),
      initContainers: (more.inits ?? []).map(() => ({})),
      nodeName: 'w',
    },
    status: {
      phase,
      containerStatuses: containers.map(container),
      initContainerStatuses: (more.inits ?? []).map(container),
      podIP: '10.0.0.1',
      ...more.status,
    },
  });
  const ready = [{ type: 'Ready', status: 'True' }];

  it.each<[string, object, object]>([
    [
      'that runs',
      pod('Running', [{ ready: true }]),
      { Ready: '1/1', Status: 'Running', Restarts: '0', Age: '90s', IP: '10.0.0.1', Node: 'w' },
    ],
    [
      'whose containers are made',
      pod('Pending', [{ waiting: 'ContainerCreating' }]),
      { Ready: '0/1', Status: 'ContainerCreating' },
    ],
    ['without statuses', pod('Pending', []), { Ready: '0/0', Status: 'Pending' }],
    [
      'that crashes',
      pod('Running', [{ waiting: 'CrashLoopBackOff', restarts: 2 }]),
      { Status: 'CrashLoopBackOff', Restarts: '2 (5m ago)' },
    ],
    ['whose image is not there', pod('Pending', [{ waiting: 'ErrImagePull' }]), { Status: 'ErrImagePull' }],
    [
      'that is done',
      pod('Succeeded', [{ exit: 0, reason: 'Completed' }]),
      { Ready: '0/1', Status: 'Completed' },
    ],
    ['that failed', pod('Failed', [{ exit: 1, reason: 'Error' }]), { Status: 'Error' }],
    ['that failed without a reason', pod('Failed', [{ exit: 3 }]), { Status: 'ExitCode:3' }],
    [
      'that is half done',
      pod('Running', [{ exit: 0, reason: 'Completed' }, { ready: true }], { status: { conditions: ready } }),
      { Ready: '1/2', Status: 'Running' },
    ],
    [
      'that is half done and not ready',
      pod('Running', [{ exit: 0, reason: 'Completed' }, { ready: true }]),
      { Status: 'NotReady' },
    ],
    [
      'that goes',
      pod('Running', [{ ready: true }], { metadata: { deletionTimestamp: time(0) } }),
      { Status: 'Terminating' },
    ],
    [
      'that is done and goes',
      pod('Succeeded', [{ exit: 0, reason: 'Completed' }], { metadata: { deletionTimestamp: time(0) } }),
      { Status: 'Completed' },
    ],
    ['that was evicted', pod('Failed', [], { status: { reason: 'Evicted' } }), { Status: 'Evicted' }],
    [
      'that initializes',
      pod('Pending', [{ waiting: 'PodInitializing' }], { inits: [{ exit: 0 }, {}] }),
      { Status: 'Init:1/2' },
    ],
    [
      'whose first container fails',
      pod('Pending', [{ waiting: 'PodInitializing' }], {
        inits: [{ exit: 1, reason: 'Error', restarts: 1 }],
      }),
      { Status: 'Init:Error', Restarts: '1 (5m ago)' },
    ],
    [
      'whose first container crashes',
      pod('Pending', [], { inits: [{ waiting: 'CrashLoopBackOff' }] }),
      { Status: 'Init:CrashLoopBackOff' },
    ],
  ])('%s', (_what, object, cells) => {
    expect(row(resources.pods, object)).toMatchObject(cells);
  });

  it('says that it is over', () => {
    const metadata = { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: time(0) };
    const object = { apiVersion: 'v1', ...pod('Succeeded', []), kind: 'Pod', metadata };
    const [over] = tableOf(resources.pods, [object], nowMs).rows;
    expect(over?.conditions).toMatchObject([{ type: 'Completed', reason: 'Succeeded' }]);
  });
});

describe('rows', () => {
  const template = {
    spec: {
      containers: [
        { name: 'x', image: 'x:1' },
        { name: 'y', image: 'y:1' },
      ],
    },
  };
  const selector = {
    matchLabels: { app: 'a' },
    matchExpressions: [{ key: 'b', operator: 'In', values: ['2', '1'] }],
  };
  const condition = (status: string) => ({ status: { conditions: [{ type: 'Ready', status }] } });
  const about = { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{a}' };
  const roleRef = { kind: 'Role', name: 'r' };
  const subjects = [
    { kind: 'ServiceAccount', namespace: 'n', name: 's' },
    { kind: 'User', name: 'u' },
  ];
  it.each<[string, Resource, object, object]>([
    [
      'a Deployment',
      resources.deployments,
      {
        spec: { replicas: 3, selector, template },
        status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
      },
      {
        Ready: '2/3',
        'Up-to-date': '3',
        Available: '1',
        Age: '90s',
        Containers: 'x,y',
        Images: 'x:1,y:1',
        Selector: 'app=a,b in (1,2)',
      },
    ],
    [
      'a ReplicaSet',
      resources.replicasets,
      { spec: { replicas: 3 }, status: { replicas: 2, readyReplicas: 1 } },
      { Desired: '3', Current: '2', Ready: '1' },
    ],
    [
      'a Service',
      resources.services,
      {
        spec: {
          type: 'ClusterIP',
          clusterIP: '10.0.0.1',
          selector: { b: '2', a: '1' },
          ports: [{ port: 50051, protocol: 'TCP' }, { port: 80 }],
        },
      },
      {
        Type: 'ClusterIP',
        'Cluster-IP': '10.0.0.1',
        'External-IP': '<none>',
        'Port(s)': '50051/TCP,80/TCP',
        Selector: 'a=1,b=2',
      },
    ],
    [
      'a headless Service',
      resources.services,
      { spec: { clusterIP: 'None' } },
      { 'Cluster-IP': 'None', 'Port(s)': '<none>', Selector: '<none>' },
    ],
    [
      'an EndpointSlice',
      resources.endpointslices,
      {
        addressType: 'IPv4',
        ports: [{ port: 1 }],
        endpoints: ['a', 'b', 'c', 'd'].map((it) => ({ addresses: [it] })),
      },
      { AddressType: 'IPv4', Ports: '1', Endpoints: 'a,b,c + 1 more...' },
    ],
    [
      'an empty EndpointSlice',
      resources.endpointslices,
      { addressType: 'IPv4', ports: [], endpoints: [] },
      { Ports: '<unset>', Endpoints: '<unset>' },
    ],
    [
      'a node',
      resources.nodes,
      {
        metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } },
        status: {
          ...condition('True').status,
          nodeInfo: { kubeletVersion: 'v1.34.0' },
          addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        },
      },
      {
        Status: 'Ready',
        Roles: 'control-plane',
        Version: 'v1.34.0',
        'Internal-IP': '10.0.0.1',
        'External-IP': '<none>',
        'OS-Image': '<unknown>',
      },
    ],
    [
      'a node that is closed',
      resources.nodes,
      { spec: { unschedulable: true }, ...condition('False') },
      { Status: 'NotReady,SchedulingDisabled', Roles: '<none>' },
    ],
    ['a namespace', resources.namespaces, { status: { phase: 'Active' } }, { Status: 'Active' }],
    ['a ConfigMap', resources.configmaps, { data: { a: '' }, binaryData: { b: '' } }, { Data: '2' }],
    ['a Secret', resources.secrets, { type: 'Opaque', data: { a: '' } }, { Type: 'Opaque', Data: '1' }],
    ['a service account', resources.serviceaccounts, {}, { Secrets: '0' }],
    [
      'an event',
      resources.events,
      {
        type: 'Warning',
        reason: 'BackOff',
        message: ' no \n',
        involvedObject: about,
        firstTimestamp: time(60_000),
        lastTimestamp: time(5000),
        count: 4,
        source: { component: 'kubelet', host: 'w' },
      },
      {
        'Last Seen': '5s',
        Type: 'Warning',
        Reason: 'BackOff',
        Object: 'pod/p',
        Subobject: 'spec.containers{a}',
        Source: 'kubelet, w',
        Message: 'no',
        'First Seen': '60s',
        Count: 4,
      },
    ],
    ['a role', resources.roles, {}, { 'Created At': time(90_000) }],
    [
      'a role binding',
      resources.rolebindings,
      { roleRef, subjects },
      { Role: 'Role/r', ServiceAccounts: 'n/s', Users: 'u', Groups: '' },
    ],
  ])('%s', (_what, resource, object, cells) => {
    expect(row(resource, object)).toMatchObject({
      ...('involvedObject' in object ? {} : { Name: 'a' }),
      ...cells,
    });
  });

  it('carry what was asked for', () => {
    const metadata = { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: time(0) };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: {} } as KubeObject;
    const carried = (include?: 'None' | 'Metadata' | 'Object') =>
      tableOf(resources.configmaps, [object], nowMs, { include }).rows[0]?.object;
    expect(carried()).toEqual({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata });
    expect(carried('Object')).toBe(object);
    expect(carried('None')).toBeUndefined();
  });

  it('of events show the message without asking for more', () => {
    const narrow = tableOf(resources.events, [], nowMs).columnDefinitions.filter(
      ({ priority }) => priority === 0,
    );
    expect(narrow.map(({ name }) => name)).toEqual(['Last Seen', 'Type', 'Reason', 'Object', 'Message']);
  });
});
