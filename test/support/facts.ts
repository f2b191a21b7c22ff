// Hand-made facts: a client, a Service and its pods, all well, and edits that break one thing.
import type { ClientFacts, Facts } from '../../scripts/diagnosis/facts.ts';
import type { AddressProbe } from '../../services/protocol/index.ts';
import { WorkloadSpec, type WorkloadStatus } from '../../services/protocol/index.ts';

export const AT = '2026-01-05T10:00:00.000Z';
const AT_MS = Date.parse(AT);
/** A moment before the facts were gathered. */
export const ago = (seconds: number): string => new Date(AT_MS - seconds * 1000).toISOString();
export const agoMs = (seconds: number): number => AT_MS - seconds * 1000;

export type Options = {
  namespace: string;
  clientNamespace: string;
  service: string;
  server: string;
  client: string;
  labels: Record<string, string>;
  /** Of the Service. */
  port: number;
  /** On which the pods listen. */
  listen: number;
  /** Whether the Service leads to it by its name. */
  byName: boolean;
  portName: string;
  replicas: number;
  headless: boolean;
  /** As in the lab: the client tells how it is, and the way was tried. Else objects and logs alone. */
  lab: boolean;
  /** Containers beside the server's, which come first. */
  sidecars: Container[];
  /** What the client dials; default: the Service. */
  target?: string | undefined;
  /** The Service that is asked about. */
  asked?: string | undefined;
};
export type Pod = Facts['objects']['pods'][number];
export type Container = NonNullable<NonNullable<Pod['spec']>['containers']>[number];
export type Edit = (facts: Facts) => void;

export const optionsOf = (given: Partial<Options> = {}): Options => {
  const namespace = given.namespace ?? 'shop';
  const server = given.server ?? 'greeter';
  return {
    namespace,
    server,
    clientNamespace: namespace,
    service: server,
    client: 'web',
    labels: { app: server },
    port: 50051,
    listen: 50051,
    byName: false,
    portName: 'grpc',
    replicas: 3,
    headless: true,
    lab: true,
    sidecars: [],
    ...given,
  };
};

/** All is well. */
export function healthy(given: Partial<Options> = {}): Facts {
  const o = optionsOf(given);
  const { namespace, clientNamespace, labels } = o;
  const pods = Array.from({ length: o.replicas }, (_, i) => serverPod(o, i));
  const clientLabels = { app: o.client };
  const host = namespace === clientNamespace ? o.service : `${o.service}.${namespace}`;
  const target = o.target ?? `dns:///${host}:${o.headless ? o.listen : o.port}`;
  const facts: Facts = {
    version: 1,
    at: AT,
    question: {
      namespace,
      service: o.asked,
      client: { kind: 'Deployment', name: o.client, namespace: clientNamespace },
    },
    objects: {
      namespaces: [...new Set([namespace, clientNamespace, 'kube-system'])].map((name) => ({
        metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      })),
      nodes: [],
      services: [
        {
          metadata: { name: o.service, namespace },
          spec: {
            type: 'ClusterIP',
            clusterIP: o.headless ? 'None' : CLUSTER_IP,
            selector: labels,
            ports: [
              {
                name: o.portName,
                port: o.port,
                targetPort: o.byName ? o.portName : o.listen,
                protocol: 'TCP',
              },
            ],
          },
        },
        dnsService(),
      ],
      endpointSlices: [
        sliceOf(o.service, namespace, pods, { name: o.portName, port: o.listen }),
        sliceOf('kube-dns', 'kube-system', [dnsPod()], { name: 'dns', port: 53 }),
      ],
      deployments: [
        deployment(o.server, namespace, labels, o.replicas, serverContainers(o)),
        deployment(o.client, clientNamespace, clientLabels, 1, [clientContainer(target)]),
        deployment('coredns', 'kube-system', { 'k8s-app': 'kube-dns' }, 1, dnsPod().spec?.containers ?? []),
      ],
      statefulSets: [],
      replicaSets: [],
      pods: [...pods, clientPod(o.client, clientNamespace, clientLabels, target), dnsPod()],
      networkPolicies: [],
      configMaps: [],
      events: [],
    },
    logs: [
      ...pods.map(({ metadata }) =>
        log(namespace, metadata?.name ?? '', 'server', [`${ago(3600)} listening on 0.0.0.0:${o.listen}`]),
      ),
      log(clientNamespace, `${o.client}-0`, 'app', [`${ago(3600)} started`]),
    ],
    clients: [],
    probes: [],
    unseen: [],
  };
  return o.lab ? withLab(facts, o, target, pods) : facts;
}

const CLUSTER_IP = '10.96.0.20';
const DNS_IP = '10.96.0.10';

/** Facts with some things changed. */
export function edited(facts: Facts, ...edits: readonly Edit[]): Facts {
  const copy = structuredClone(facts);
  for (const edit of edits) edit(copy);
  return copy;
}

function serverContainers(o: Options): Container[] {
  return [
    ...o.sidecars,
    {
      name: 'server',
      image: 'registry.example/greeter:1.4.0',
      imagePullPolicy: 'IfNotPresent',
      ports: [{ name: o.portName, containerPort: o.listen, protocol: 'TCP' }],
      readinessProbe: { grpc: { port: o.listen }, timeoutSeconds: 2, periodSeconds: 5, failureThreshold: 3 },
    },
  ];
}

const clientContainer = (target: string): Container => ({
  name: 'app',
  image: 'registry.example/web:2.0.1',
  env: [{ name: 'GREETER_ADDR', value: target }],
});

function serverPod(o: Options, i: number): Pod {
  return pod(`${o.server}-7c9f4d-${i}`, o.namespace, o.labels, `10.1.0.${10 + i}`, serverContainers(o), {
    kind: 'ReplicaSet',
    name: `${o.server}-7c9f4d`,
  });
}

const clientPod = (name: string, namespace: string, labels: Record<string, string>, target: string): Pod =>
  pod(
    `${name}-0`,
    namespace,
    labels,
    '10.1.1.5',
    [clientContainer(target)],
    { kind: 'ReplicaSet', name: `${name}-5d8c` },
    7200,
  );

const dnsPod = (): Pod =>
  pod(
    'coredns-1',
    'kube-system',
    { 'k8s-app': 'kube-dns' },
    '10.1.2.2',
    [{ name: 'coredns', image: 'coredns' }],
    {
      kind: 'ReplicaSet',
      name: 'coredns-66bc',
    },
  );

/** A pod that is Ready. */
export function pod(
  name: string,
  namespace: string,
  labels: Record<string, string>,
  podIP: string,
  containers: Container[],
  owner: { kind: string; name: string },
  ageSeconds = 3600,
): Pod {
  return {
    metadata: {
      name,
      namespace,
      labels: { ...labels, 'pod-template-hash': '7c9f4d' },
      creationTimestamp: ago(ageSeconds),
      ownerReferences: [{ apiVersion: 'apps/v1', uid: '1', ...owner }],
    },
    spec: { containers, nodeName: 'node-1' },
    status: {
      phase: 'Running',
      podIP,
      podIPs: [{ ip: podIP }],
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: ago(ageSeconds - 5) }],
      containerStatuses: containers.map((container) => ({
        name: container.name,
        image: container.image ?? '',
        imageID: '',
        ready: true,
        restartCount: 0,
        state: { running: { startedAt: ago(ageSeconds - 1) } },
      })),
    },
  };
}

function deployment(
  name: string,
  namespace: string,
  labels: Record<string, string>,
  replicas: number,
  containers: Container[],
): Facts['objects']['deployments'][number] {
  return {
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}

const dnsService = (): Facts['objects']['services'][number] => ({
  metadata: { name: 'kube-dns', namespace: 'kube-system' },
  spec: {
    clusterIP: DNS_IP,
    selector: { 'k8s-app': 'kube-dns' },
    ports: [{ name: 'dns', port: 53, targetPort: 53, protocol: 'UDP' }],
  },
});

function sliceOf(
  service: string,
  namespace: string,
  pods: readonly Pod[],
  port: { name: string; port: number },
): Facts['objects']['endpointSlices'][number] {
  return {
    metadata: { name: `${service}-x`, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [port],
    endpoints: pods.map(({ metadata, status }) => ({
      addresses: [status?.podIP ?? ''],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', name: metadata?.name ?? '', namespace },
    })),
  };
}

export const log = (
  namespace: string,
  podName: string,
  container: string,
  lines: string[],
  previous = false,
) => ({
  namespace,
  pod: podName,
  container,
  previous,
  lines,
  cut: false,
});

type Status = WorkloadStatus;

function withLab(facts: Facts, o: Options, target: string, pods: readonly Pod[]): Facts {
  const names = pods.map(({ metadata }) => metadata?.name ?? '');
  const ips = pods.map(({ status }) => status?.podIP ?? '');
  const latency = { count: 1200, p50Ms: 1, p90Ms: 2, p99Ms: 3, p999Ms: 4, maxMs: 9, encoded: '' };
  const status: Status = {
    id: 'app',
    running: true,
    due: 1200,
    started: 1200,
    ended: 1200,
    inFlight: 0,
    codes: { OK: 1200 },
    latency,
    lateness: latency,
    cpuMs: 900,
    transparentRetries: 0,
    failures: [],
    pods: Object.fromEntries(names.map((name) => [name, Math.floor(1200 / names.length)])),
    lastOkMs: AT_MS - 50,
  };
  const addresses: AddressProbe[] = o.headless
    ? ips.map((address) => reached(address, o.listen, true))
    : [reached(CLUSTER_IP, o.port, true), ...ips.map((address) => reached(address, o.listen, false))];
  const host = o.namespace === o.clientNamespace ? o.service : `${o.service}.${o.namespace}`;
  return {
    ...facts,
    clients: [
      {
        pod: `${o.client}-0`,
        workloads: [{ spec: WorkloadSpec.parse({ id: 'app', target, ratePerSecond: 20 }), status }],
        sockets: {
          states: { ESTABLISHED: o.headless ? ips.length : 1 },
          connections: (o.headless ? ips : [CLUSTER_IP]).map((remoteAddress, i) => ({
            localPort: 40_000 + i,
            remoteAddress,
            remotePort: o.headless ? o.listen : o.port,
            state: 'ESTABLISHED',
          })),
          portRange: [32_768, 60_999],
        },
        process: {
          uptimeMs: 60_000,
          cpuShare: 0.1,
          eventLoopDelay: { p50Ms: 1, p99Ms: 4, maxMs: 20 },
          openFiles: { open: 30, limit: 65_536 },
        },
      },
    ],
    probes: [
      {
        from: { pod: `${o.client}-0`, place: 'client' },
        answer: {
          host,
          port: o.headless ? o.listen : o.port,
          lookup: { ms: 2, addresses: o.headless ? ips : [CLUSTER_IP] },
          control: { ms: 2, name: 'kubernetes.default.svc', addresses: ['10.96.0.1'] },
          resolvConf: {
            nameservers: [DNS_IP],
            search: [`${o.clientNamespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'],
            options: ['ndots:5'],
          },
          addresses,
        },
      },
    ],
  };
}

/** An address behind which all is well. */
export const reached = (address: string, port: number, ofName: boolean): AddressProbe => ({
  address,
  port,
  ofName,
  tcp: { ms: 1 },
  preface: { saw: 'http2' },
  tls: { ms: 3, error: 'wrong version number' },
  health: { '': { code: 'OK', serving: 'SERVING' } },
  reflection: { services: ['greet.Greeter', 'grpc.health.v1.Health'] },
  method: { code: 'OK', ms: 4 },
});

// Edits.

/** The client's calls fail, from then until now; in the lab by its counts, else by lines in its log. */
export const failing =
  (
    code: string,
    message: string,
    { since = 30, times = 40, ok = since }: { since?: number; times?: number; ok?: number } = {},
  ): Edit =>
  (facts) => {
    const status = facts.clients[0]?.workloads[0]?.status;
    if (status) {
      status.failures.push({ code, message, count: times, firstMs: agoMs(since), lastMs: agoMs(0.2) });
      status.codes[code] = times;
      status.lastOkMs = agoMs(ok);
    } else
      clientLog(
        facts,
        ...[since, since / 2, 1].map((seconds) => `${ago(seconds)} Error: 14 ${code}: ${message}`),
      );
  };

export function clientLog(facts: Facts, ...lines: string[]): void {
  const { name, namespace } = facts.question.client;
  facts.logs.find((each) => each.namespace === namespace && each.pod.startsWith(name))?.lines.push(...lines);
}

/** Every pod of the server. */
export const serverPods = (facts: Facts): Pod[] =>
  facts.objects.pods.filter(
    ({ metadata }) =>
      metadata?.namespace !== 'kube-system' && !metadata?.name?.startsWith(`${facts.question.client.name}-`),
  );

export const serverContainerOf = ({ spec }: Pod): Container => {
  const container = spec?.containers.find(({ name }) => name === 'server');
  if (!container) throw new Error('the pod has no container server');
  return container;
};

/** The first Service, which is the one that is called. */
export function serviceSpec(facts: Facts) {
  const spec = facts.objects.services[0]?.spec;
  if (!spec?.ports?.[0]) throw new Error('the Service has no port');
  return { spec, port: spec.ports[0] };
}

export const endpoints = (facts: Facts) => facts.objects.endpointSlices[0]?.endpoints ?? [];

/** No pod is Ready, and so no endpoint is. */
export const unready: Edit = (facts) => {
  for (const { status } of serverPods(facts))
    for (const condition of status?.conditions ?? [])
      Object.assign(condition, { status: 'False', lastTransitionTime: ago(300) });
  for (const endpoint of endpoints(facts))
    endpoint.conditions = { ready: false, serving: false, terminating: false };
  noAddress(facts);
};

/** No pod is behind the Service. */
export const noEndpoints: Edit = (facts) => {
  endpoints(facts).length = 0;
  noAddress(facts);
};

/** What the probe finds then: a headless name without addresses, a virtual IP that refuses. */
function noAddress(facts: Facts): void {
  const isHeadless = serviceSpec(facts).spec.clusterIP === 'None';
  for (const { answer } of facts.probes) {
    if (isHeadless) Object.assign(answer.lookup, { error: 'ENOTFOUND', addresses: [] });
    answer.addresses = answer.addresses.map((each) =>
      isHeadless ? { ...each, ofName: false } : each.ofName ? refused(each) : each,
    );
  }
}

/** Every address that was probed, changed. */
export const probes =
  (change: (probe: AddressProbe) => AddressProbe): Edit =>
  (facts) => {
    for (const { answer } of facts.probes) answer.addresses = answer.addresses.map(change);
  };

/** Whether it is the Service's own address. */
export const isVirtual = ({ address }: AddressProbe): boolean => address === CLUSTER_IP;

const lost = ({ address, port, ofName }: AddressProbe, error: string): AddressProbe => ({
  address,
  port,
  ofName,
  tcp: { ms: 2, error },
});
export const refused = (probe: AddressProbe): AddressProbe => lost(probe, 'ECONNREFUSED');
export const silent = (probe: AddressProbe): AddressProbe => lost(probe, 'ETIMEDOUT');

/** Something that the kubelet says of each server pod. */
export const events =
  (reason: string, message: string): Edit =>
  (facts) => {
    for (const { metadata } of serverPods(facts))
      facts.objects.events.push({
        metadata: { name: `${metadata?.name}.${reason}`, namespace: metadata?.namespace ?? '' },
        involvedObject: { kind: 'Pod', name: metadata?.name ?? '', namespace: metadata?.namespace ?? '' },
        reason,
        message,
        type: 'Warning',
        count: 12,
        lastTimestamp: ago(20),
      });
  };

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** The server's container in each of its pods is in this state. */
export const containerState =
  (state: Partial<ContainerStatus>): Edit =>
  (facts) => {
    for (const { status } of serverPods(facts)) {
      const server = status?.containerStatuses?.find(({ name }) => name === 'server');
      if (server) Object.assign(server, structuredClone(state));
    }
  };

export const inServers =
  (change: (container: Container) => void): Edit =>
  (facts) => {
    for (const each of serverPods(facts)) change(serverContainerOf(each));
  };

export const client = (facts: Facts): ClientFacts | undefined => facts.clients[0];
export const statusOf = (facts: Facts): Status | undefined => client(facts)?.workloads[0]?.status;

/** What the client dials: its running workload, and its settings. */
export const dials =
  (target: string): Edit =>
  (facts) => {
    const workload = client(facts)?.workloads[0];
    if (workload) workload.spec = { ...workload.spec, target };
    const { name, namespace } = facts.question.client;
    const own = [
      ...facts.objects.deployments
        .filter(({ metadata }) => metadata?.name === name && metadata.namespace === namespace)
        .map(({ spec }) => spec?.template.spec),
      ...facts.objects.pods.filter(({ metadata }) => metadata?.name === `${name}-0`).map(({ spec }) => spec),
    ];
    for (const spec of own)
      for (const container of spec?.containers ?? [])
        container.env = [{ name: 'GREETER_ADDR', value: target }];
    const [host = ''] = target.replace(/^dns:\/+/, '').split(':');
    for (const { answer } of facts.probes) answer.host = host;
  };

export const clientEnv =
  (name: string, value: string): Edit =>
  (facts) => {
    const { client: asked } = facts.question;
    for (const { metadata, spec } of facts.objects.pods)
      if (metadata?.name === `${asked.name}-0`) spec?.containers[0]?.env?.push({ name, value });
  };
