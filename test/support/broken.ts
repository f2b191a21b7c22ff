// One edit for each cause: what the lab would show of it, and what a cluster that tells nothing would.
import type { Cause } from '../../scripts/diagnosis/causes.ts';
import {
  ago,
  agoMs,
  client,
  clientEnv,
  clientLog,
  containerState,
  dials,
  type Edit,
  endpoints,
  events,
  failing,
  inServers,
  isVirtual,
  noEndpoints,
  type Options,
  probes,
  refused,
  serverPods,
  serviceSpec,
  silent,
  statusOf,
  unready,
} from './facts.ts';

export type Broken = { world?: Partial<Options>; edits: Edit[] };

const REFUSED =
  'No connection established. Last error: connect ECONNREFUSED 10.1.0.10:50051. Resolution note: ';
const NOT_RESOLVED = 'Name resolution failed for target dns:greeter:50051';
const LATE = 'Deadline exceeded after 2.001s,LB pick: 0.001s,remote_addr=10.1.0.10:50051';
const headed: Partial<Options> = { headless: false };

const unresolved: Edit = (facts) => {
  for (const { answer } of facts.probes) {
    Object.assign(answer.lookup, { error: 'ENOTFOUND', addresses: [] });
    answer.addresses = answer.addresses.map((each) => ({ ...each, ofName: false }));
  }
};

const starting = (reason: string, message = ''): Edit[] => [
  unready,
  containerState({ ready: false, state: { waiting: { reason, message } } }),
  probes(refused),
];

const onlyFirstAnswers: Edit = (facts) => {
  const status = statusOf(facts);
  const [first = '', ...rest] = serverPods(facts).map(({ metadata }) => metadata?.name ?? '');
  if (status) {
    status.pods = { [first]: 1200 };
    return;
  }
  for (const each of facts.logs) {
    if (rest.includes(each.pod)) each.lines = [`${ago(3600)} listening`];
    if (each.pod === first)
      each.lines = Array.from({ length: 60 }, (_, i) => `${ago(200 - i)} served SayHello`);
  }
};

const policy: Edit = (facts) => {
  const namespace = facts.question.namespace;
  facts.objects.networkPolicies.push({
    metadata: { name: 'default-deny', namespace },
    spec: {
      podSelector: facts.objects.deployments[0]?.spec?.selector ?? {},
      policyTypes: ['Ingress'],
      ingress: [],
    },
  });
};

const dnsGone: Edit = (facts) => {
  const { deployments, endpointSlices, pods } = facts.objects;
  for (const { metadata, spec } of deployments) if (metadata?.name === 'coredns' && spec) spec.replicas = 0;
  for (const slice of endpointSlices) if (slice.metadata?.namespace === 'kube-system') slice.endpoints = [];
  facts.objects.pods = pods.filter(({ metadata }) => metadata?.namespace !== 'kube-system');
  for (const { answer } of facts.probes) {
    Object.assign(answer.lookup, { error: 'EAI_AGAIN', addresses: [] });
    Object.assign(answer.control, { error: 'EAI_AGAIN', addresses: [] });
    answer.addresses = answer.addresses.map((each) => ({ ...each, ofName: false }));
  }
};

/** A change that took every server at once, 25 s ago, as a rollout of `Recreate` does: calls failed meanwhile. */
export const recreated: Edit = (facts) => {
  reborn(facts);
  statusOf(facts)?.failures.push({
    code: 'UNAVAILABLE',
    message: 'Connection dropped',
    count: 30,
    firstMs: agoMs(27),
    lastMs: agoMs(8),
  });
};

/** The same, and the client still tries to reach those that are gone. */
export const replaced: Edit = (facts) => {
  reborn(facts);
  const connections = client(facts)?.sockets?.connections ?? [];
  for (const [i, each] of connections.entries())
    Object.assign(each, { remoteAddress: `10.1.0.${200 + i}`, state: 'SYN_SENT' });
};

const reborn: Edit = (facts) => {
  for (const { metadata, status } of serverPods(facts)) {
    Object.assign(metadata ?? {}, { creationTimestamp: ago(25) });
    Object.assign(status?.conditions?.[0] ?? {}, { lastTransitionTime: ago(22) });
    for (const each of status?.containerStatuses ?? [])
      if (each.state?.running) each.state.running.startedAt = ago(24);
  }
};

/** All but the first pod came a minute ago. */
const scaledOut: Edit = (facts) => {
  const [first, ...rest] = serverPods(facts);
  for (const { metadata, status } of rest) {
    Object.assign(metadata ?? {}, { creationTimestamp: ago(80) });
    Object.assign(status?.conditions?.[0] ?? {}, { lastTransitionTime: ago(75) });
  }
  const status = statusOf(facts);
  if (status) status.due = 20 * 600;
  const sockets = client(facts)?.sockets;
  if (sockets)
    sockets.connections = sockets.connections.filter(
      ({ remoteAddress }) => remoteAddress === first?.status?.podIP,
    );
  onlyFirstAnswers(facts);
};

const leak: Edit = (facts) => {
  const sockets = client(facts)?.sockets;
  const [first] = sockets?.connections ?? [];
  if (!sockets || !first)
    return clientLog(
      facts,
      `${ago(3)} Error: 14 UNAVAILABLE: No connection established. Last error: connect EADDRNOTAVAIL 10.1.0.10:50051`,
    );
  sockets.connections = Array.from({ length: 400 }, (_, i) => ({ ...first, localPort: 40_000 + i }));
  sockets.states = { ESTABLISHED: 400 };
  sockets.channelz = { channels: 400, connections: 400 };
};

const starved: Edit = (facts) => {
  const process = client(facts)?.process;
  if (process) {
    process.eventLoopDelay = { p50Ms: 300, p99Ms: 1500, maxMs: 2400 };
    process.throttling = { limitCores: 0.05, periods: 600, throttledPeriods: 540 };
  }
  for (const { metadata, spec } of facts.objects.pods)
    for (const container of metadata?.name === `${facts.question.client.name}-0`
      ? (spec?.containers ?? [])
      : [])
      container.resources = { limits: { cpu: '50m' } };
};

const slow: Edit = probes((probe) => ({
  ...probe,
  method: { code: 'DEADLINE_EXCEEDED', message: 'Deadline exceeded', ms: 2000 },
}));

/** The Service leads to a relay, which calls the servers. */
const relayed: Edit = (facts) => {
  const workload = client(facts)?.workloads[0];
  if (workload) Object.assign(workload.spec, { ratePerSecond: 0.1 });
  const status = statusOf(facts);
  if (status) status.pods = { 'backend-1': 7 };
  probes((probe) => ({ ...probe, method: { code: 'OK', ms: 5, pod: 'backend-1' } }))(facts);
};

const livenessKills: Edit[] = [
  inServers((container) => {
    container.livenessProbe = {
      grpc: { port: container.ports?.[0]?.containerPort ?? 0 },
      timeoutSeconds: 1,
      periodSeconds: 5,
      failureThreshold: 1,
    };
  }),
  containerState({
    restartCount: 6,
    lastState: { terminated: { exitCode: 137, reason: 'Error', startedAt: ago(60), finishedAt: ago(20) } },
  }),
  events('Unhealthy', 'Liveness probe failed: timeout: health rpc did not complete within 1s'),
  events('Killing', 'Container server failed liveness probe, will be restarted'),
];

/** By cause; the lab has probes and a client that tells, else there are objects and logs. */
export const BREAK: Record<Cause, (lab: boolean) => Broken> = {
  'selector-mismatch': () => ({
    edits: [
      (facts) => Object.assign(serviceSpec(facts).spec, { selector: { app: 'greeter-v2' } }),
      noEndpoints,
      failing('UNAVAILABLE', NOT_RESOLVED),
    ],
  }),
  'wrong-target-port': (lab) => ({
    world: headed,
    edits: [
      (facts) => Object.assign(serviceSpec(facts).port, { targetPort: 8443 }),
      probes((probe) => (isVirtual(probe) ? refused(probe) : probe)),
      ...(lab ? [failing('UNAVAILABLE', REFUSED)] : []),
    ],
  }),
  'wrong-service-port': () => ({
    world: headed,
    edits: [
      dials('dns:///greeter:8080'),
      probes((probe) => (probe.ofName ? silent({ ...probe, port: 8080 }) : probe)),
      failing('DEADLINE_EXCEEDED', 'Deadline exceeded after 2.001s,Waiting for LB pick'),
    ],
  }),
  'wrong-address': () => ({
    edits: [dials('dns:///greter:50051'), unresolved, failing('UNAVAILABLE', NOT_RESOLVED)],
  }),
  'readiness-failing': () => ({
    edits: [
      unready,
      events('Unhealthy', 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")'),
      failing('UNAVAILABLE', NOT_RESOLVED),
    ],
  }),
  'http-probe-on-h2c': () => ({
    edits: [
      unready,
      inServers((container) => {
        container.readinessProbe = {
          httpGet: { path: '/healthz', port: container.ports?.[0]?.containerPort ?? 0 },
        };
      }),
      events(
        'Unhealthy',
        'Readiness probe failed: Get "http://10.1.0.10:50051/healthz": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00\\x06\\x04"',
      ),
      failing('UNAVAILABLE', NOT_RESOLVED),
    ],
  }),
  'network-policy': () => ({
    edits: [
      policy,
      probes(silent),
      failing('DEADLINE_EXCEEDED', 'Deadline exceeded after 2.001s,Waiting for LB pick'),
    ],
  }),
  'crash-loop': () => ({
    edits: [
      ...starting('CrashLoopBackOff', 'back-off 40s restarting failed container=server'),
      containerState({
        restartCount: 5,
        lastState: { terminated: { exitCode: 1, reason: 'Error', startedAt: ago(41), finishedAt: ago(40) } },
      }),
      events('BackOff', 'Back-off restarting failed container server in pod greeter'),
      failing('UNAVAILABLE', NOT_RESOLVED),
    ],
  }),
  'bad-image': () => ({
    edits: [
      ...starting('ImagePullBackOff', 'Back-off pulling image "registry.example/greeter:1.4.0"'),
      events('Failed', 'Failed to pull image "registry.example/greeter:1.4.0": not found'),
      failing('UNAVAILABLE', NOT_RESOLVED),
    ],
  }),
  'http1-only-server': () => ({
    edits: [
      probes(({ method, health, reflection, ...probe }) => ({
        ...probe,
        preface: { saw: 'http1', firstBytes: 'HTTP/1.1 400 Bad Request' },
      })),
      failing('UNAVAILABLE', 'No connection established. Last error: Protocol error. Resolution note: '),
    ],
  }),
  'dns-down': () => ({ edits: [dnsGone, failing('UNAVAILABLE', NOT_RESOLVED)] }),
  'all-pods-restarted': () => ({
    edits: [replaced, failing('UNAVAILABLE', 'Connection dropped', { since: 28 })],
  }),
  'scaled-to-zero': () => ({
    edits: [
      (facts) => {
        const gone = new Set(serverPods(facts));
        facts.objects.pods = facts.objects.pods.filter((pod) => !gone.has(pod));
        Object.assign(facts.objects.deployments[0]?.spec ?? {}, { replicas: 0 });
      },
      noEndpoints,
      failing('UNAVAILABLE', NOT_RESOLVED),
    ],
  }),
  'new-replicas-idle': () => ({ edits: [scaledOut] }),
  'one-pod-hot': () => ({ world: headed, edits: [onlyFirstAnswers] }),
  'connection-leak': () => ({ edits: [leak] }),
  'client-starved': () => ({ edits: [starved, failing('DEADLINE_EXCEEDED', LATE, { ok: 0.1 })] }),
  'server-not-serving': (lab) => ({
    edits: lab
      ? [
          probes((probe) => ({
            ...probe,
            health: {
              '': { code: 'OK', serving: 'SERVING' },
              'greet.Greeter': { code: 'OK', serving: 'NOT_SERVING' },
            },
          })),
        ]
      : [
          (facts) =>
            clientLog(
              facts,
              `${ago(2)} rpc error: code = Unavailable desc = connection active but health check failed. status=NOT_SERVING`,
            ),
        ],
  }),
  'stuck-liveness': (lab) => ({
    edits: [...livenessKills, ...(lab ? [failing('UNAVAILABLE', 'Connection dropped', { ok: 1 })] : [])],
  }),
  'proto-mismatch': (lab) => ({
    edits: [
      probes((probe) => ({
        ...probe,
        reflection: { services: ['greet.v2.Greeter'] },
        method: {
          code: 'UNIMPLEMENTED',
          message: 'The server does not implement the method /greet.Greeter/SayHello',
          ms: 2,
        },
      })),
      lab
        ? failing('UNIMPLEMENTED', 'The server does not implement the method /greet.Greeter/SayHello')
        : (facts) =>
            clientLog(
              facts,
              `${ago(2)} rpc error: code = Unimplemented desc = unknown service greet.Greeter`,
            ),
    ],
  }),
  'tls-mismatch': (lab) => ({
    edits: [
      (facts) => {
        const workload = client(facts)?.workloads[0];
        if (workload) workload.spec = { ...workload.spec, tls: { ca: 'PEM' } };
      },
      failing(
        'UNAVAILABLE',
        lab
          ? 'No connection established. Last error: Error: write EPROTO'
          : 'No connection established. Last error: 80ABF:error:0A00010B:SSL routines:ssl3_get_record:wrong version number',
      ),
    ],
  }),
  'message-too-large': () => ({
    edits: [
      failing('RESOURCE_EXHAUSTED', 'Received message larger than max (5242890 vs 4194304)', { ok: 0.1 }),
    ],
  }),
  'slow-server': () => ({ edits: [slow, failing('DEADLINE_EXCEEDED', LATE)] }),
  'idle-cut': (lab) => ({
    edits: lab
      ? [relayed, failing('DEADLINE_EXCEEDED', LATE, { since: 200, times: 6, ok: 15 })]
      : [
          (facts) => {
            Object.assign(serviceSpec(facts).spec, { selector: undefined });
            for (const endpoint of endpoints(facts))
              Object.assign(endpoint, { addresses: ['192.168.7.4'], targetRef: undefined });
            clientLog(
              facts,
              ...[610, 305, 5].map(
                (seconds) => `${ago(seconds)} Error: 4 DEADLINE_EXCEEDED: Deadline exceeded after 5.0s`,
              ),
            );
          },
        ],
  }),
  'cross-namespace': () => ({
    world: { clientNamespace: 'front' },
    edits: [dials('dns:///greeter:50051'), unresolved, failing('UNAVAILABLE', NOT_RESOLVED)],
  }),
  'headless-port': () => ({
    world: { port: 80, listen: 8080 },
    edits: [
      dials('dns:///greeter:80'),
      probes((probe) => refused({ ...probe, port: 80 })),
      failing('UNAVAILABLE', REFUSED),
    ],
  }),
  'bound-to-localhost': () => ({
    edits: [
      inServers((container) => {
        container.env = [{ name: 'BIND_ADDRESS', value: '127.0.0.1' }];
        container.readinessProbe = { exec: { command: ['/bin/grpc_health_probe'] } };
      }),
      probes(refused),
      failing('UNAVAILABLE', REFUSED),
    ],
  }),
  'proxy-env': () => ({
    edits: [
      clientEnv('https_proxy', 'http://user:hunter2@proxy.corp.example:3128'),
      failing('UNAVAILABLE', 'Name resolution failed for target dns:proxy.corp.example:3128'),
    ],
  }),
};
