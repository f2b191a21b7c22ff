// grpc-kit on a real cluster when something goes wrong: what its clients do while the API, the Service, the name
// server or a pod is away.
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { connect, labNamed, podProxy, readToken } from '../../scripts/cluster/index.ts';
import { waitFor } from '../../scripts/common/wait.ts';
import { RETRY_UNAVAILABLE } from '../../scripts/experiments/index.ts';
import { readCounters, startWorkload, stopWorkload } from '../../scripts/workload/index.ts';
import type { WorkloadRequest, WorkloadStatus } from '../../services/protocol/index.ts';
import { docker, kubectl, LAB, withLab } from './support.ts';

const DEADLINE_MS = 2000;
const WATCH = 'kubernetes:///greeter-headless:grpc';
const POLL = 'dns-poll:///greeter-headless.grpc-kind-lab.svc.cluster.local:50051?interval=2s';

let proxy: Awaited<ReturnType<typeof podProxy>>;
let client = '';

withLab();

beforeAll(async () => {
  const api = connect(labNamed(LAB).kubeconfig);
  proxy = await podProxy(api.kubeConfig, await readToken(api));
  [client = ''] = await podNames('greeter-client');
});

async function podNames(app: string): Promise<string[]> {
  const selector = `app.kubernetes.io/name=${app},app.kubernetes.io/instance=lab`;
  const names = await kubectl(['get', 'pods', '-l', selector, '-o', 'name']);
  return names
    .split('\n')
    .filter(Boolean)
    .map((name) => name.replace('pod/', ''));
}

/** Returns when so many are Ready, and the others gone. */
async function scaleServers(replicas: number): Promise<void> {
  await kubectl(['scale', 'deployment/greeter-server', `--replicas=${replicas}`]);
  await kubectl(['rollout', 'status', 'deployment/greeter-server', '--timeout=120s']);
  await until('the others to be gone', async () => (await podNames('greeter-server')).length === replicas);
}

/** Calls until it is disposed of. */
async function calling(id: string, spec: Omit<WorkloadRequest, 'id'>) {
  await startWorkload(proxy, client, {
    id,
    stack: 'kit',
    deadlineMs: DEADLINE_MS,
    retry: RETRY_UNAVAILABLE,
    ...spec,
  });
  let ended: WorkloadStatus | undefined;
  return {
    status: () => proxy.json<WorkloadStatus>(client, { path: `/workloads/${id}` }),
    end: async () => {
      ended ??= await stopWorkload(proxy, client, id, DEADLINE_MS);
      return ended;
    },
    [Symbol.asyncDispose]: async () => {
      ended ??= await stopWorkload(proxy, client, id, DEADLINE_MS);
    },
  };
}

/** What grpc-kit said of a target since a moment. */
async function saidSince(since: Date): Promise<string[]> {
  const logs = await kubectl(['logs', client, `--since-time=${since.toISOString()}`]);
  return logs.split('\n').filter((line) => line.includes('"event":"grpc-kit"'));
}

const servedBy = async (pod: string, id: string): Promise<number> => {
  const counts = (await readCounters(proxy, pod))[`${id}@${client}`];
  return counts === undefined ? 0 : counts.ok;
};

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  await waitFor(what, async () => ((await isTrue()) ? { done: undefined } : { waiting: 'not yet' }), {
    timeoutMs: 120_000,
    intervalMs: 500,
  });
}

describe('a client that watches EndpointSlices', () => {
  it('fails at once, and says why, while the Service is deleted; and calls again when it is back', async () => {
    const service = JSON.parse(await kubectl(['get', 'service', 'greeter-headless', '-o', 'json'])) as {
      metadata: Record<string, unknown>;
      spec: Record<string, unknown>;
    };
    const since = new Date();
    await using calls = await calling('deleted', { target: WATCH, ratePerSecond: 20 });
    await delay(2000);
    await kubectl(['delete', 'service', 'greeter-headless']);
    try {
      await until('calls to fail', async () => ((await calls.status()).codes.UNAVAILABLE ?? 0) > 20);
    } finally {
      const { name, namespace, labels, annotations } = service.metadata;
      const { clusterIP, clusterIPs, ...spec } = service.spec;
      const again = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace, labels, annotations },
        spec: { ...spec, clusterIP: 'None' },
      };
      await kubectl(['create', '--filename', '-'], LAB, JSON.stringify(again));
    }
    const failed = (await calls.status()).codes.UNAVAILABLE ?? 0;
    await until('calls to succeed', async () => {
      const first = (await calls.status()).codes.OK ?? 0;
      await delay(1000);
      return ((await calls.status()).codes.OK ?? 0) >= first + 18;
    });
    const { codes, latency } = await calls.end();
    expect(Object.keys(codes).sort()).toEqual(['OK', 'UNAVAILABLE']);
    expect(failed).toBeGreaterThan(20);
    expect(latency.maxMs).toBeLessThan(DEADLINE_MS + 1000);
    const said = await saidSince(since);
    expect(said.filter((line) => line.includes('has no EndpointSlices'))).toHaveLength(1);
    expect(said.filter((line) => line.includes('has endpoints again'))).toHaveLength(1);
  });

  it('finds a frozen pod by keepalive, and calls the others', async () => {
    const [frozen = ''] = await podNames('greeter-server');
    await using calls = await calling('frozen', {
      target: WATCH,
      ratePerSecond: 50,
      channelOptions: { 'grpc.keepalive_time_ms': 1000, 'grpc.keepalive_timeout_ms': 1000 },
    });
    await delay(2000);
    await proxy.json(frozen, { method: 'POST', path: '/freeze', body: { durationMs: 12_000 } });
    await delay(11_000);
    const { codes, ended, latency } = await calls.end();
    // Until it is found out, which takes at most two seconds and their timers, one call in five waits there; most have
    // time left then for an attempt elsewhere.
    expect(latency.maxMs).toBeGreaterThan(800);
    expect(ended - (codes.OK ?? 0)).toBeLessThan(30);
  });
});

describe('a client that polls DNS', () => {
  it('keeps what it has while the name server is gone, says so once, and finds new pods when it is back', async () => {
    const coreDns = ['-n', 'kube-system', 'deployment/coredns'];
    const before = await podNames('greeter-server');
    const since = new Date();
    await using calls = await calling('dns-away', { target: POLL, ratePerSecond: 50 });
    await delay(3000);
    await kubectl(['scale', ...coreDns, '--replicas=0']);
    try {
      await scaleServers(6);
      await delay(15_000);
    } finally {
      await kubectl(['scale', ...coreDns, '--replicas=2']);
    }
    const added = (await podNames('greeter-server')).filter((name) => !before.includes(name));
    await until('calls on the new pod', async () => (await servedBy(added[0] ?? '', 'dns-away')) > 20);
    const { codes, ended } = await calls.end();
    expect(codes).toEqual({ OK: ended });
    const said = await saidSince(since);
    expect(said.filter((line) => line.includes('"warning"'))).toHaveLength(1);
    await scaleServers(5);
  });
});

describe('a client that watches EndpointSlices, without the API', () => {
  it('goes on for a minute in which pods come and go, says so once, and knows all of them when the API is back', async () => {
    const before = await podNames('greeter-server');
    const since = new Date();
    await using calls = await calling('api-away', { target: WATCH, ratePerSecond: 100, burst: 5 });
    await delay(3000);
    const heal = await cutFromApi(client);
    try {
      await scaleServers(7);
      // Pods that it knows: a deleted one drains, another ends with calls in flight.
      await kubectl(['delete', 'pod', before[0] ?? '']);
      await kubectl(['delete', 'pod', before[1] ?? '', '--grace-period=1', '--wait=false']);
      await kubectl(['rollout', 'status', 'deployment/greeter-server', '--timeout=120s']);
      const said = await saidSince(since);
      expect(said.filter((line) => line.includes('cannot be watched'))).toHaveLength(1);
      await delay(Math.max(0, since.getTime() + 60_000 - Date.now()));
      for (const pod of await podNames('greeter-server')) {
        const calledBy = await servedBy(pod, 'api-away');
        // The control: without the API nobody told it of the new ones.
        if (!before.includes(pod)) expect(calledBy).toBe(0);
        else expect(calledBy).toBeGreaterThan(0);
      }
    } finally {
      await heal();
    }
    const added = (await podNames('greeter-server')).filter((name) => !before.includes(name));
    expect(added).toHaveLength(4);
    for (const pod of added)
      await until(`calls on ${pod}`, async () => (await servedBy(pod, 'api-away')) > 20);
    const { codes, ended, latency } = await calls.end();
    expect(codes).toEqual({ OK: ended });
    expect(latency.maxMs).toBeLessThan(DEADLINE_MS + 1000);
    const said = await saidSince(since);
    expect(said.filter((line) => line.includes('cannot be watched'))).toHaveLength(1);
    expect(said.filter((line) => line.includes('can be watched again'))).toHaveLength(1);
    await scaleServers(5);
  });
});

/** What a pod sends to the API server is refused on its node. @returns lets it through again. */
async function cutFromApi(pod: string): Promise<() => Promise<void>> {
  const found = await kubectl(['get', 'pod', pod, '-o', 'jsonpath={.status.podIP} {.spec.nodeName}']);
  const [podIP = '', node = ''] = found.split(' ');
  const rule = (change: '--insert' | '--delete') =>
    docker(
      ...[
        'exec',
        node,
        'iptables',
        change,
        'FORWARD',
        '--source',
        podIP,
        '--protocol',
        'tcp',
        '--dport',
        '6443',
      ],
      ...['--jump', 'REJECT', '--reject-with', 'tcp-reset'],
    );
  await rule('--insert');
  return async () => {
    await rule('--delete');
  };
}
