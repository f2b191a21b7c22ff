// The services as the lab builds them, in pods: the same port in each, found by a headless name, asked by gRPC probes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Dns, startDns } from '../../../scripts/cluster/embedded/network/index.ts';
import { eventually } from '../../support/eventually.ts';
import { useKubelet } from './kubelet-harness.ts';

const lab = useKubelet(6);
const root = join(import.meta.dirname, '../../..');
let bundles = '';
let dns: Dns | undefined;

beforeAll(async () => {
  bundles = mkdtempSync(join(tmpdir(), 'services-'));
  execFileSync(process.execPath, [join(root, 'services/build.ts'), bundles]);
  for (const service of ['greeter-server', 'greeter-client']) {
    await lab.images.add(`grpc-kind-lab/${service}:dev`, join(bundles, service));
  }
  dns = await startDns({
    store: lab.store,
    addresses: { dns: lab.dns.address },
    port: lab.dns.port,
    log: () => {},
  });
}, 60_000);
afterAll(async () => {
  await dns?.stop();
  rmSync(bundles, { recursive: true, force: true });
});

const identity = [
  { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
  { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
  { name: 'LAB_TOKEN', value: 'a-token' },
];

it('greets from a client pod to two server pods by a headless name', async () => {
  const probe = { periodSeconds: 1, timeoutSeconds: 5 };
  for (const name of ['server-0', 'server-1']) {
    await lab.pod(name, {
      image: 'grpc-kind-lab/greeter-server:dev',
      env: [...identity, { name: 'DRAIN_DELAY_MS', value: '100' }],
      startupProbe: { grpc: { port: 50051 }, failureThreshold: 60, ...probe },
      readinessProbe: { grpc: { port: 50051, service: 'greet.Greeter' }, ...probe },
    });
  }
  await lab.pod('client-0', {
    image: 'grpc-kind-lab/greeter-client:dev',
    ports: [{ name: 'control', containerPort: 8080 }],
    env: identity,
    readinessProbe: { httpGet: { path: '/healthz', port: 'control' }, ...probe },
  });
  for (const name of ['server-0', 'server-1', 'client-0']) await lab.ready(name);
  const ips = ['server-0', 'server-1'].map((name) => lab.get(name).status?.podIP as string);

  const headless = { clusterIP: 'None', ports: [{ name: 'grpc', port: 50051 }], selector: { app: 'x' } };
  lab.store.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'greeter-headless', namespace: 'ns' },
    spec: headless,
  });
  lab.store.create('endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'a', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'greeter-headless' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 50051, protocol: 'TCP' }],
    endpoints: ips.map((ip) => ({
      addresses: [ip],
      conditions: { ready: true, serving: true, terminating: false },
    })),
  });

  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`http://${lab.get('client-0').status?.podIP}:8080${path}`, {
      method,
      headers: { 'x-lab-token': 'a-token' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const probed = await ask('POST', '/probes/dns', { name: 'greeter-headless', type: 'lookup' });
  expect(probed.body.records).toEqual([...ips].sort());

  const workload = {
    id: 'w',
    target: 'dns:///greeter-headless:50051',
    policy: 'round_robin',
    ratePerSecond: 50,
  };
  expect((await ask('POST', '/workloads', workload)).status).toBe(201);
  let events = '';
  const abort = new AbortController();
  const stream = await fetch(`http://${lab.get('client-0').status?.podIP}:8080/events`, {
    headers: { 'x-lab-token': 'a-token' },
    signal: abort.signal,
  });
  void (async () => {
    for await (const chunk of stream.body ?? []) events += Buffer.from(chunk).toString();
  })().catch(() => {});
  await eventually(
    () => ['server-0', 'server-1'].every((pod) => events.includes(`"pod":"${pod}"`)),
    () => events.slice(-2000),
  );
  for (const ip of ips) expect(events).toContain(`"peer":"${ip}:50051"`);
  expect((await ask('DELETE', '/workloads/w')).status).toBe(200);
  abort.abort();

  lab.remove('server-0', 30);
  await lab.gone('server-0');
});
