// Nothing is found where nothing is wrong, whatever the manifests' style.
import { boolean, constantFrom, integer, property, record, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge } from '../../scripts/diagnosis/judge.ts';
import { replaced } from '../support/broken.ts';
import {
  ago,
  agoMs,
  type Container,
  client,
  clientEnv,
  clientLog,
  type Edit,
  edited,
  healthy,
  inServers,
  type Options,
  probes,
  serverPods,
  serviceSpec,
  statusOf,
} from '../support/facts.ts';
import { holds } from '../support/property.ts';

const diagnose = (options: Partial<Options>, ...edits: Edit[]) => judge(edited(healthy(options), ...edits));
const HEALTHY = { verdict: 'healthy', causes: [], unexplained: [] };

const sidecar: Container = {
  name: 'istio-proxy',
  image: 'istio/proxyv2',
  ports: [{ name: 'http-envoy-prom', containerPort: 15_090 }],
  readinessProbe: { httpGet: { path: '/healthz/ready', port: 15_021 } },
};

describe.each([true, false])('healthy stays healthy, the client telling of itself: %s', (lab) => {
  const name = stringMatching(/^[a-z][a-z0-9]{2,8}(-[a-z0-9]{2,8})?$/);

  it('whatever things are called, and whichever ports they have', () => {
    const options = record({
      namespace: name,
      server: name,
      client: name.map((text) => `${text}-client`),
      labels: constantFrom<Record<string, string>>(
        { app: 'a' },
        { 'app.kubernetes.io/name': 'greeter', 'app.kubernetes.io/instance': 'prod' },
        { component: 'server', release: 'x' },
      ),
      port: integer({ min: 1, max: 65_535 }),
      listen: integer({ min: 1024, max: 65_535 }),
      byName: boolean(),
      portName: constantFrom('grpc', 'h2c', 'http2', 'api', 'p'),
      replicas: integer({ min: 1, max: 6 }),
      headless: boolean(),
      sidecars: constantFrom<Container[]>([], [sidecar]),
      apart: boolean(),
    });
    holds(
      property(options, ({ apart, ...rest }) => {
        expect(diagnose({ ...rest, lab, ...(apart && { clientNamespace: 'front' }) })).toEqual(HEALTHY);
      }),
    );
  });

  const calledWith = (target: string) => diagnose({ lab, target, headless: false });
  it.each([
    'dns:///greeter:50051',
    'dns:greeter:50051',
    'greeter:50051',
    'greeter.shop:50051',
    'greeter.shop.svc:50051',
    'dns:///greeter.shop.svc.cluster.local:50051',
    'greeter.shop.svc.cluster.local.:50051',
    'http://greeter:50051',
    'http://greeter.shop:50051/',
    '10.96.0.20:50051',
    'dns://10.96.0.10/greeter:50051',
  ])('when it dials %s', (target) => {
    expect(calledWith(target)).toEqual(HEALTHY);
  });

  const allowed: Edit = ({ objects }) => {
    objects.networkPolicies.push({
      metadata: { name: 'allow-web', namespace: 'shop' },
      spec: {
        podSelector: {},
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            _from: [{ podSelector: { matchLabels: { app: 'web' } } }],
            ports: [{ port: 'grpc' as never, protocol: 'TCP' }],
          },
        ],
        egress: [
          {
            to: [
              { podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['greeter'] }] } },
            ],
          },
          { ports: [{ port: 53 as never, protocol: 'UDP' }] },
        ],
      },
    });
  };

  it.each<[string, Edit]>([
    ['policies that let the client through', allowed],
    [
      'a proxy that its target is spared',
      (facts) => {
        clientEnv('HTTPS_PROXY', 'http://proxy:3128')(facts);
        clientEnv('NO_PROXY', 'localhost,greeter,.svc')(facts);
      },
    ],
    ['other settings that look like targets', clientEnv('OTEL_EXPORTER_OTLP_ENDPOINT_NOTE', 'see the wiki')],
    [
      'failures that are over',
      (facts) => {
        const status = statusOf(facts);
        status?.failures.push({
          code: 'UNAVAILABLE',
          message: 'Connection dropped',
          count: 3,
          firstMs: agoMs(200),
          lastMs: agoMs(180),
        });
        clientLog(facts, `${ago(180)} Error: 14 UNAVAILABLE: Connection dropped`);
      },
    ],
    [
      'restarts of long ago',
      (facts) => {
        for (const { status } of serverPods(facts))
          for (const each of status?.containerStatuses ?? [])
            Object.assign(each, {
              restartCount: 3,
              lastState: { terminated: { exitCode: 137, reason: 'Error', finishedAt: ago(80_000) } },
            });
      },
    ],
    [
      'an HTTP probe on a port of its own',
      inServers((container) => {
        container.ports?.push({ name: 'metrics', containerPort: 9090 });
        container.readinessProbe = { httpGet: { path: '/ready', port: 'metrics' as never } };
        container.livenessProbe = { httpGet: { path: '/live', port: 9090 as never } };
      }),
    ],
    [
      'a port of its container that is not declared',
      (facts) => {
        for (const { spec } of serverPods(facts))
          for (const each of spec?.containers ?? []) delete each.ports;
      },
    ],
    [
      'business errors',
      (facts) => {
        statusOf(facts)?.failures.push({
          code: 'NOT_FOUND',
          message: 'no such user',
          count: 3,
          firstMs: agoMs(20),
          lastMs: agoMs(1),
        });
        clientLog(facts, `${ago(1)} rpc error: code = NotFound desc = no such user`);
      },
    ],
    [
      'a server that wants to be told who calls',
      probes((probe) => ({ ...probe, method: { code: 'UNAUTHENTICATED', ms: 2 } })),
    ],
    [
      'another Service on the same pods',
      ({ objects }) => {
        objects.services.push({
          metadata: { name: 'greeter-metrics', namespace: 'shop' },
          spec: {
            clusterIP: '10.96.0.30',
            selector: { app: 'greeter' },
            ports: [{ port: 9090, targetPort: 9090 as never }],
          },
        });
      },
    ],
    [
      'a StatefulSet',
      ({ objects }) => {
        const [deployment] = objects.deployments.splice(0, 1);
        if (deployment)
          objects.statefulSets.push({
            metadata: { name: 'greeter', namespace: 'shop' },
            spec: { serviceName: 'greeter', ...deployment.spec } as never,
          });
        for (const { metadata } of objects.pods)
          if (metadata?.name?.startsWith('greeter'))
            metadata.ownerReferences = [
              { apiVersion: 'apps/v1', uid: '1', kind: 'StatefulSet', name: 'greeter' },
            ];
      },
    ],
    [
      'a scale-out that is a second old',
      (facts) => {
        const last = serverPods(facts).at(-1);
        Object.assign(last?.status?.conditions?.[0] ?? {}, { lastTransitionTime: ago(1) });
        const status = statusOf(facts);
        if (status && last?.metadata?.name) delete status.pods[last.metadata.name];
      },
    ],
    [
      'one pod of three that is just starting',
      (facts) => {
        const last = serverPods(facts).at(-1);
        Object.assign(last?.status?.conditions?.[0] ?? {}, { status: 'False', lastTransitionTime: ago(2) });
        const endpoint = facts.objects.endpointSlices[0]?.endpoints?.at(-1);
        if (endpoint) endpoint.conditions = { ready: false, serving: false, terminating: false };
      },
    ],
    [
      'endpoints without conditions, which may be left out',
      ({ objects }) => {
        for (const slice of objects.endpointSlices)
          for (const endpoint of slice.endpoints ?? []) delete endpoint.conditions;
      },
    ],
    [
      'endpoints in two slices',
      ({ objects }) => {
        const [slice] = objects.endpointSlices;
        if (!slice?.endpoints) throw new Error('no slice');
        objects.endpointSlices.push({ ...structuredClone(slice), endpoints: slice.endpoints.splice(1) });
      },
    ],
    [
      'a pod that is going',
      (facts) => {
        const [first] = serverPods(facts);
        if (first?.metadata) first.metadata.deletionTimestamp = ago(1);
      },
    ],
    [
      'a tiny CPU limit, and calls that are answered',
      (facts) => {
        for (const { metadata, spec } of facts.objects.pods)
          if (metadata?.name === 'web-0')
            for (const each of spec?.containers ?? []) each.resources = { limits: { cpu: '20m' } };
      },
    ],
    [
      'a client of low rate',
      (facts) => {
        for (const { workloads } of facts.clients)
          for (const { spec } of workloads) spec.ratePerSecond = 0.05;
      },
    ],
  ])('with %s', (_, edit) => {
    expect(diagnose({ lab }, edit)).toEqual(HEALTHY);
    expect(diagnose({ lab, headless: false }, edit)).toEqual(HEALTHY);
  });
});

describe('what cannot be told', () => {
  it('is unknown: failures without a cause', () => {
    const status = (facts: Parameters<Edit>[0]) =>
      statusOf(facts)?.failures.push({
        code: 'DATA_LOSS',
        message: 'gone',
        count: 3,
        firstMs: agoMs(20),
        lastMs: agoMs(1),
      });
    const { verdict, causes, unexplained } = diagnose({}, status);
    expect({ verdict, causes }).toEqual({ verdict: 'unknown', causes: [] });
    expect(unexplained).toMatchObject([{ value: '3 calls: DATA_LOSS "gone"' }]);
  });

  it('is unknown: failures that what is found does not account for', () => {
    const { verdict, causes } = diagnose({ headless: false }, (facts) => {
      const status = statusOf(facts);
      if (!status) throw new Error('no status');
      status.pods = { 'greeter-7c9f4d-0': 1200 };
      status.failures.push({
        code: 'UNAVAILABLE',
        message: 'gone',
        count: 3,
        firstMs: agoMs(20),
        lastMs: agoMs(1),
      });
    });
    expect({ verdict, causes: causes.map(({ cause }) => cause) }).toEqual({
      verdict: 'unknown',
      causes: ['one-pod-hot'],
    });
  });

  it('is unknown: nothing is known of what the client dials', () => {
    const { verdict, unexplained } = diagnose({ lab: false }, ({ objects }) => {
      for (const { spec } of [
        ...objects.pods,
        ...objects.deployments.map(({ spec }) => ({ spec: spec?.template.spec })),
      ])
        for (const each of spec?.containers ?? []) delete each.env;
    });
    expect({ verdict, unexplained }).toMatchObject({
      verdict: 'unknown',
      unexplained: [{ value: 'no target' }],
    });
  });

  it('is healthy when calls are answered, whatever the kernel still tries to reach of pods that are gone', () => {
    expect(judge(edited(healthy({ lab: true }), replaced))).toEqual(HEALTHY);
    const silent: Edit = (facts) => {
      for (const { status } of client(facts)?.workloads ?? []) status.lastOkMs = agoMs(90);
    };
    expect(judge(edited(healthy({ lab: true }), replaced, silent)).causes[0]?.cause).toBe(
      'all-pods-restarted',
    );
  });

  it('is healthy when only the Service is known, and it has pods', () => {
    const facts = edited(healthy({ lab: false, asked: 'greeter' }), ({ objects }) => {
      for (const { spec } of [
        ...objects.pods,
        ...objects.deployments.map(({ spec }) => ({ spec: spec?.template.spec })),
      ])
        for (const each of spec?.containers ?? []) delete each.env;
    });
    expect(judge(facts)).toEqual(HEALTHY);
    expect(client(facts)).toBeUndefined();
    expect(serviceSpec(facts).port.port).toBe(50051);
  });
});
