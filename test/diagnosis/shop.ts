// A cluster of somebody's: a client `web` in the namespace shop that calls the Service greeter.
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Facts, Question } from '../../scripts/diagnosis/facts.ts';
import type { PathProbeAnswer } from '../../services/protocol/index.ts';
import type { KubeApi } from '../support/kube-api.ts';

export const SHOP: Question = {
  namespace: 'shop',
  service: 'greeter',
  client: { kind: 'Deployment', name: 'web', namespace: 'shop' },
};

/** Of a probe. */
export const ANSWER: PathProbeAnswer = {
  host: 'greeter',
  port: 80,
  lookup: { ms: 1, addresses: ['10.96.0.7'] },
  control: { ms: 1, name: 'kubernetes.default', addresses: ['10.96.0.1'] },
  addresses: [],
};

/** Path of a collection. */
export const at = (resource: string, namespace?: string): string => {
  const base = {
    deployments: '/apis/apps/v1',
    statefulsets: '/apis/apps/v1',
    daemonsets: '/apis/apps/v1',
    replicasets: '/apis/apps/v1',
    endpointslices: '/apis/discovery.k8s.io/v1',
    networkpolicies: '/apis/networking.k8s.io/v1',
  }[resource];
  return `${base ?? '/api/v1'}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${resource}`;
};

type PodFields = {
  labels?: Record<string, string>;
  owner?: string;
  ip?: string;
  restarts?: number;
  ready?: boolean;
  started?: boolean;
  env?: { name: string; value: string }[];
  uid?: string;
};

export function shopPod(name: string, fields: PodFields = {}, namespace = 'shop') {
  const {
    labels = {},
    owner,
    ip = '10.0.0.9',
    restarts = 0,
    ready = true,
    started = true,
    env = [],
  } = fields;
  return {
    metadata: {
      name,
      namespace,
      labels: { ...labels, ...(owner ? { 'pod-template-hash': 'abc' } : {}) },
      managedFields: [{ manager: 'kubelet' }],
      ...(owner
        ? { ownerReferences: [{ kind: 'ReplicaSet', name: owner, controller: true, uid: owner }] }
        : {}),
    },
    spec: {
      nodeName: 'node-1',
      serviceAccountName: 'shopper',
      dnsPolicy: 'ClusterFirst',
      tolerations: [{ key: 'spot', operator: 'Exists' }],
      containers: [{ name: 'app', image: 'app:1', env, ports: [{ name: 'grpc', containerPort: 50051 }] }],
    },
    status: {
      phase: 'Running',
      podIP: ip,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [
        {
          name: 'app',
          image: 'app:1',
          imageID: '',
          ready,
          restartCount: restarts,
          state: started ? { running: {} } : { waiting: { reason: 'ImagePullBackOff' } },
          lastState: {},
        },
      ],
    },
  } as unknown as KubernetesObject;
}

const SELECTOR = { matchLabels: { app: 'of-others' } };
const WORKLOAD = {
  spec: {
    selector: SELECTOR,
    // As the API server has it: what is not set may be null.
    template: { metadata: { creationTimestamp: null }, spec: { containers: [] } },
  },
};
/** What is there beside, in every namespace, with what every such object has. */
const OF_OTHERS = {
  endpointslices: { addressType: 'IPv4', endpoints: null, ports: null },
  statefulsets: WORKLOAD,
  daemonsets: WORKLOAD,
  replicasets: WORKLOAD,
  networkpolicies: { spec: { podSelector: SELECTOR } },
  events: { involvedObject: { kind: 'Pod', name: 'of-others' } },
};

/** All is well in it. */
export function shop(kube: KubeApi): void {
  const put = (resource: string, namespace: string | undefined, object: object) =>
    kube.put(at(resource, namespace), object as KubernetesObject);
  for (const name of ['shop', 'kube-system', 'default', 'bank'])
    put('namespaces', undefined, { metadata: { name } });
  put('nodes', undefined, {
    metadata: { name: 'node-1' },
    status: { images: [{ names: ['app:1'] }], conditions: [{ type: 'Ready', status: 'True' }] },
  });
  put('services', 'shop', {
    metadata: { name: 'greeter', namespace: 'shop' },
    spec: {
      clusterIP: '10.96.0.7',
      selector: { app: 'greeter' },
      ports: [{ name: 'grpc', port: 80, targetPort: 'grpc' }],
    },
  });
  put('deployments', 'shop', {
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        spec: {
          containers: [
            {
              name: 'app',
              env: [
                { name: 'GREETER', value: 'dns:///greeter:80' },
                { name: 'BANK', valueFrom: { configMapKeyRef: { name: 'settings', key: 'bank' } } },
                { name: 'DB_PASSWORD', value: 'hunter2' },
              ],
              envFrom: [{ secretRef: { name: 'more' } }],
            },
          ],
        },
      },
    },
  });
  put('configmaps', 'shop', { metadata: { name: 'settings' }, data: { bank: 'teller.bank.svc:443' } });
  put('configmaps', 'shop', { metadata: { name: 'unrelated' }, data: {} });
  put('services', 'bank', {
    metadata: { name: 'teller', namespace: 'bank' },
    spec: { ports: [{ port: 443 }] },
  });
  put('deployments', 'bank', { metadata: { name: 'teller', namespace: 'bank' }, ...WORKLOAD });
  put(
    'pods',
    'shop',
    shopPod('web-abc-1', {
      labels: { app: 'web' },
      owner: 'web-abc',
      ip: '10.0.0.1',
      env: [{ name: 'GREETER', value: 'dns:///greeter:80' }],
    }),
  );
  put(
    'pods',
    'shop',
    shopPod('greeter-1', { labels: { app: 'greeter' }, owner: 'greeter-abc', ip: '10.0.0.2' }),
  );
  put('pods', 'shop', shopPod('cron-1', { owner: 'cron-abc', ip: '10.0.0.3' }));
  for (const [resource, fields] of Object.entries(OF_OTHERS))
    for (const namespace of ['shop', 'bank', 'kube-system'])
      put(resource, namespace, { metadata: { name: 'one', namespace }, ...fields });
  put('services', 'kube-system', { metadata: { name: 'kube-dns', namespace: 'kube-system' } });
  put('configmaps', 'kube-system', {
    metadata: { name: 'coredns', namespace: 'kube-system' },
    data: { Corefile: '.' },
  });
  const dns = { 'k8s-app': 'kube-dns' };
  put('deployments', 'kube-system', {
    metadata: { name: 'coredns', namespace: 'kube-system', labels: dns },
    ...WORKLOAD,
  });
  put('pods', 'kube-system', shopPod('coredns-1', { labels: dns }, 'kube-system'));
  put('pods', 'kube-system', shopPod('proxy-1', {}, 'kube-system'));
}

export const noFacts = (): Facts => ({
  version: 1,
  at: '2026-01-01T00:00:00.000Z',
  question: SHOP,
  objects: {
    namespaces: [],
    nodes: [],
    services: [],
    endpointSlices: [],
    deployments: [],
    statefulSets: [],
    replicaSets: [],
    pods: [],
    networkPolicies: [],
    configMaps: [],
    events: [],
  },
  logs: [],
  clients: [],
  probes: [],
  unseen: [],
});
