// What looks like a cause and is none, or another.
import { describe, expect, it } from 'vitest';
import { judge } from '../../scripts/diagnosis/judge.ts';
import { BREAK } from '../support/broken.ts';
import {
  ago,
  agoMs,
  client,
  clientEnv,
  clientLog,
  containerState,
  dials,
  type Edit,
  edited,
  events,
  failing,
  healthy,
  inServers,
  noEndpoints,
  type Options,
  probes,
  serverPods,
  serviceSpec,
  statusOf,
  unready,
} from '../support/facts.ts';

const FOREIGN = { lab: false };
const HEADED = { headless: false };
const DROPPED = failing('UNAVAILABLE', 'Connection dropped');
const LATE = failing(
  'DEADLINE_EXCEEDED',
  'Deadline exceeded after 2.001s,LB pick: 0.001s,remote_addr=10.1.0.10:50051',
);
const unimplemented = probes((probe) => ({
  ...probe,
  method: { code: 'UNIMPLEMENTED', message: 'unknown', ms: 2 },
}));

const undeclared: Edit = (facts) =>
  inServers((container) => {
    delete container.ports;
    delete container.readinessProbe;
  })(facts);
const declaresOther = inServers((container) => {
  container.ports = [{ name: 'metrics', containerPort: 9090 }];
});
const declaresOtherUnprobed = inServers((container) => {
  container.ports = [{ name: 'metrics', containerPort: 9090 }];
  delete container.readinessProbe;
});
const httpReadiness = inServers((container) => {
  container.readinessProbe = { httpGet: { path: '/ready', port: 50051 as never } };
});
const livenessProbe = inServers((container) => {
  container.livenessProbe = { grpc: { port: 50051 } };
});
const localhost = inServers((container) => {
  container.env = [{ name: 'BIND_ADDRESS', value: '127.0.0.1' }];
});
const hasLimit: Edit = (facts) => {
  for (const { metadata, spec } of facts.objects.pods)
    if (metadata?.name === 'web-0')
      for (const each of spec?.containers ?? []) each.resources = { limits: { cpu: '50m' } };
};
const withoutPods: Edit = (facts) => {
  const gone = new Set(serverPods(facts));
  facts.objects.pods = facts.objects.pods.filter((pod) => !gone.has(pod));
  noEndpoints(facts);
};
const created =
  (...seconds: number[]): Edit =>
  (facts) => {
    for (const [i, { metadata, status }] of serverPods(facts).entries()) {
      const at = ago(seconds[i % seconds.length] ?? 0);
      Object.assign(metadata ?? {}, { creationTimestamp: at });
      Object.assign(status?.conditions?.[0] ?? {}, { lastTransitionTime: at });
      for (const each of status?.containerStatuses ?? [])
        if (each.state?.running) each.state.running.startedAt = at;
    }
  };
const deny: Edit = ({ objects }) => {
  objects.networkPolicies.push({
    metadata: { name: 'deny', namespace: 'shop' },
    spec: { podSelector: { matchLabels: { app: 'greeter' } } },
  });
};
const denyDns: Edit = ({ objects }) => {
  objects.networkPolicies.push({
    metadata: { name: 'egress', namespace: 'shop' },
    spec: {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Egress'],
      egress: [{ to: [{ podSelector: {} }] }],
    },
  });
};
const denyAtDns: Edit = ({ objects }) => {
  objects.networkPolicies.push({
    metadata: { name: 'closed', namespace: 'kube-system' },
    spec: { podSelector: {} },
  });
};
const noDns: Edit = ({ probes: all }) => {
  for (const { answer } of all) {
    Object.assign(answer.control, { error: 'EAI_AGAIN', addresses: [] });
    Object.assign(answer.lookup, { error: 'EAI_AGAIN', addresses: [] });
    answer.addresses = answer.addresses.map((each) => ({ ...each, ofName: false }));
  }
};
const servfail: Edit = ({ objects }) => {
  objects.configMaps.push({
    metadata: { name: 'coredns', namespace: 'kube-system' },
    data: { Corefile: '.:53 {\n  template ANY ANY {\n    rcode SERVFAIL\n  }\n}' },
  });
};
const speaksTls: Edit = (facts) => {
  const workload = client(facts)?.workloads[0];
  if (workload) workload.spec = { ...workload.spec, tls: {} };
};
const serverTls = (saw: 'tls' | 'http1', code: string) =>
  probes((probe) => ({
    ...probe,
    preface: { saw },
    tls: { ms: 3, alpn: 'h2', trusted: 'yes' },
    method: { code, ms: 3 },
  }));
const throttled: Edit = (facts) => {
  const process = client(facts)?.process;
  if (process) process.throttling = { limitCores: 0.1, periods: 100, throttledPeriods: 60 };
};

describe('it is', () => {
  it.each<[string, string[], Partial<Options>, Edit[]]>([
    // Healthy, for all that is known.
    ['a server that declares no port', [], { ...FOREIGN, ...HEADED }, [undeclared]],
    [
      'a port that nobody declares, and calls that are answered',
      [],
      {},
      [
        dials('dns:///greeter:50052'),
        (facts) => {
          facts.probes.length = 0;
        },
      ],
    ],
    [
      'a server that is probed on a port that it does not declare',
      [],
      { ...FOREIGN, ...HEADED },
      [declaresOther],
    ],
    [
      'a headless port that is answered, though nobody declares it',
      [],
      {},
      [dials('dns:///greeter:50052'), probes((probe) => ({ ...probe, port: 50052 }))],
    ],
    [
      'one restart that is over',
      [],
      {},
      [
        containerState({
          restartCount: 1,
          lastState: {
            terminated: { exitCode: 1, reason: 'Error', startedAt: ago(70), finishedAt: ago(60) },
          },
        }),
      ],
    ],
    ['a port that speaks HTTP/1.1 and gRPC', [], FOREIGN, [httpReadiness]],
    [
      'a restart for memory of a pod that has a liveness probe',
      [],
      {},
      [
        livenessProbe,
        containerState({
          restartCount: 1,
          lastState: {
            terminated: { exitCode: 137, reason: 'OOMKilled', startedAt: ago(9000), finishedAt: ago(300) },
          },
        }),
      ],
    ],
    ['a policy that nobody enforces', [], {}, [deny]],
    ['a policy against DNS that nobody enforces', [], {}, [denyDns]],
    ['an rcode for something else', [], {}, [servfail]],
    ['TLS on both sides', [], {}, [speaksTls, serverTls('tls', 'OK')]],
    [
      'some connections more than one',
      [],
      { replicas: 1 },
      [
        (facts) => {
          const [first, ...rest] = client(facts)?.sockets?.connections ?? [];
          if (first)
            client(facts)?.sockets?.connections.push(
              ...Array.from({ length: 12 }, (_, i) => ({ ...first, localPort: i })),
              ...rest,
            );
        },
      ],
    ],
    ['a server on localhost behind a sidecar', [], FOREIGN, [localhost]],
    [
      'a server on localhost whose client is answered',
      [],
      {},
      [
        localhost,
        (facts) => {
          facts.probes.length = 0;
        },
      ],
    ],

    // Failures that nothing explains.
    ['no pod, though some are wanted', ['?'], {}, [withoutPods, DROPPED]],
    ['pods that have just been created', ['?'], {}, [unready, created(5)]],
    ['a message of one bad connection', ['?'], {}, [failing('UNAVAILABLE', 'Protocol error', { ok: 0.1 })]],
    ['servers replaced one after another', ['?'], {}, [created(25, 60, 100), DROPPED]],
    [
      'a client that is younger than the servers',
      ['?'],
      {},
      [
        created(60),
        DROPPED,
        (facts) => {
          for (const { metadata, status } of facts.objects.pods)
            if (metadata?.name === 'web-0')
              for (const each of status?.containerStatuses ?? [])
                each.state = { running: { startedAt: ago(30) } };
        },
      ],
    ],
    ['a method that only the probe calls', ['?'], {}, [unimplemented]],
    [
      'a relay, and a client with keepalive',
      ['?'],
      {},
      [
        ...BREAK['idle-cut'](true).edits,
        (facts) => {
          for (const { workloads } of facts.clients)
            for (const { spec } of workloads) spec.channelOptions = { 'grpc.keepalive_time_ms': 10_000 };
        },
      ],
    ],
    [
      'a proxy that is not used, and something else',
      ['?'],
      {},
      [clientEnv('https_proxy', 'http://proxy:3128'), clientEnv('no_proxy', '.svc,greeter'), DROPPED],
    ],

    // Another cause.
    [
      'a port that is reached',
      ['proto-mismatch'],
      HEADED,
      [declaresOtherUnprobed, unimplemented, failing('UNIMPLEMENTED', 'unknown')],
    ],
    [
      'a name that is there',
      ['proto-mismatch'],
      {},
      [dials('dns:///ghost:50051'), unimplemented, failing('UNIMPLEMENTED', 'unknown')],
    ],
    [
      'a namespace that has no such Service',
      ['wrong-address'],
      { clientNamespace: 'front' },
      [dials('dns:///greeter.front:50051'), noDnsName()],
    ],
    [
      'pods that a start-up probe kills',
      ['readiness-failing'],
      {},
      [
        unready,
        containerState({
          restartCount: 4,
          ready: false,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: {
            terminated: { exitCode: 137, reason: 'Error', startedAt: ago(80), finishedAt: ago(20) },
          },
        }),
        events('Unhealthy', 'Startup probe failed: dial tcp 10.1.0.10:50051: i/o timeout'),
        events('Killing', 'Container server failed startup probe, will be restarted'),
      ],
    ],
    [
      'an HTTP probe of a server that speaks HTTP/1.1',
      ['http1-only-server'],
      {},
      [
        unready,
        httpReadiness,
        events('Unhealthy', 'Readiness probe failed: Get "http://10.1.0.10:50051/ready": EOF'),
        probes((probe) => ({ ...probe, preface: { saw: 'http1' }, method: { code: 'UNAVAILABLE', ms: 2 } })),
      ],
    ],
    ['policies at the DNS server', ['network-policy'], {}, [denyAtDns, noDns]],
    ['DNS that is told to fail', ['dns-down'], {}, [servfail, noDns]],
    [
      'a server that refuses what is no TLS in HTTP/1.1',
      ['tls-mismatch'],
      {},
      [serverTls('http1', 'UNAVAILABLE'), DROPPED],
    ],
    [
      'a slow server, and a client that is well in its limit',
      ['slow-server'],
      {},
      [hasLimit, probes((probe) => ({ ...probe, method: { code: 'DEADLINE_EXCEEDED', ms: 2000 } })), LATE],
    ],
    [
      'rare failures, and nothing between',
      ['slow-server'],
      FOREIGN,
      [
        (facts) =>
          clientLog(
            facts,
            ...[610, 305, 5].map(
              (seconds) => `${ago(seconds)} Error: 4 DEADLINE_EXCEEDED: Deadline exceeded after 5.0s`,
            ),
          ),
      ],
    ],
    [
      'a stream limit that is reached',
      ['slow-server'],
      {},
      [
        inServers((container) => {
          container.env = [{ name: 'GRPC_MAX_CONCURRENT_STREAMS', value: '1' }];
        }),
        (facts) => {
          Object.assign(statusOf(facts) ?? {}, { inFlight: 40 });
        },
        LATE,
      ],
    ],
    [
      'a name for the target port that no container has',
      ['wrong-target-port'],
      { ...HEADED, ...FOREIGN },
      [(facts) => Object.assign(serviceSpec(facts).port, { targetPort: 'http' })],
    ],
    [
      'a readiness gate',
      ['readiness-failing'],
      FOREIGN,
      [
        unready,
        (facts) => {
          for (const { spec } of serverPods(facts))
            if (spec) spec.readinessGates = [{ conditionType: 'target-health.elbv2.k8s.aws' }];
        },
      ],
    ],
    [
      'an init container that fails',
      ['crash-loop'],
      FOREIGN,
      [
        unready,
        containerState({ ready: false, state: { waiting: { reason: 'PodInitializing' } } }),
        (facts) => {
          for (const { spec, status } of serverPods(facts)) {
            if (spec) spec.initContainers = [{ name: 'migrate', image: 'x' }];
            if (status)
              status.initContainerStatuses = [
                {
                  name: 'migrate',
                  image: 'x',
                  imageID: '',
                  ready: false,
                  restartCount: 5,
                  state: { waiting: { reason: 'CrashLoopBackOff' } },
                  lastState: { terminated: { exitCode: 2, reason: 'Error' } },
                },
              ];
          }
        },
      ],
    ],
    [
      'a client that leaves a proxy no exception',
      ['proxy-env'],
      {},
      [
        clientEnv('grpc_proxy', 'http://127.0.0.1:3128'),
        failing('UNAVAILABLE', 'No connection established. Last error: connect ECONNREFUSED 127.0.0.1:3128'),
      ],
    ],

    [
      'a method that the probe finds missing, before the client has called',
      ['proto-mismatch'],
      {},
      [
        unimplemented,
        (facts) => {
          facts.clients.length = 0;
        },
      ],
    ],

    // One that is surer than what could explain it stands for itself.
    [
      'one of three that crashes, and all are slow',
      ['slow-server', 'crash-loop'],
      {},
      [
        (facts) => {
          const [first] = serverPods(facts);
          Object.assign(first?.status?.conditions?.[0] ?? {}, { status: 'False' });
          Object.assign(first?.status?.containerStatuses?.[0] ?? {}, {
            restartCount: 9,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
          });
        },
        probes((probe) => ({ ...probe, method: { code: 'DEADLINE_EXCEEDED', ms: 2000 } })),
        LATE,
      ],
    ],

    // What fails calls comes first, however sure the rest is.
    [
      'a throttled client of one pod',
      ['client-starved', 'one-pod-hot'],
      HEADED,
      [throttled, LATE, ...BREAK['one-pod-hot'](true).edits],
    ],
  ])('%s', (_, expected, options, edits) => {
    const { verdict, causes } = judge(edited(healthy(options), ...edits));
    const names = causes.map(({ cause }) => cause);
    if (expected[0] === '?') expect({ verdict, names }).toEqual({ verdict: 'unknown', names: [] });
    else
      expect({ verdict, names }).toEqual({
        verdict: expected.length === 0 ? 'healthy' : 'cause',
        names: expected,
      });
  });

  it('over when calls have been answered for a while', () => {
    const over: Edit = (facts) => {
      created(60)(facts);
      statusOf(facts)?.failures.push({
        code: 'UNAVAILABLE',
        message: 'Connection dropped',
        count: 9,
        firstMs: agoMs(62),
        lastMs: agoMs(40),
      });
    };
    expect(judge(edited(healthy(), over))).toMatchObject({ verdict: 'healthy', causes: [] });
  });
});

function noDnsName(): Edit {
  return ({ probes: all }) => {
    for (const { answer } of all) {
      Object.assign(answer.lookup, { error: 'ENOTFOUND', addresses: [] });
      answer.addresses = [];
    }
  };
}
