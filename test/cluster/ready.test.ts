import type { V1Deployment } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  apply,
  deleteRun,
  deploymentsReady,
  nodesReady,
  systemPodsReady,
} from '../../scripts/cluster/index.ts';
import type { LabError } from '../../scripts/common/errors.ts';
import { eventually } from '../support/eventually.ts';
import {
  DEPLOYMENTS,
  type KubeApi,
  kubeApi,
  node,
  PODS,
  pod,
  REPLICA_SETS,
  refuse,
  SERVICES,
} from '../support/kube-api.ts';

let kube: KubeApi;
let said: string[];
const stop = new AbortController();
const work = { say: (text: string) => said.push(text), signal: stop.signal };

beforeEach(async () => {
  kube = await kubeApi();
  said = [];
});
afterEach(async () => {
  await kube[Symbol.asyncDispose]();
  vi.restoreAllMocks();
});

const labels = { app: 'x' };
const LOG = `GET ${PODS}/server-1/log`;
const REVISION = 'deployment.kubernetes.io/revision';
const deployment = (wanted: number, ready: number): V1Deployment => ({
  metadata: { name: 'server', uid: 'server', labels, generation: 2, annotations: { [REVISION]: '2' } },
  spec: { replicas: wanted, selector: {}, template: {} },
  status: {
    observedGeneration: 2,
    replicas: wanted,
    updatedReplicas: wanted,
    readyReplicas: ready,
    availableReplicas: ready,
  },
});
/** Two rollouts: the pods of `rs-1` are on their way out. */
const putReplicaSets = () => {
  for (const revision of ['1', '2']) {
    const owner = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'server', uid: 'server' }];
    const uid = `rs-${revision}`;
    const annotations = { [REVISION]: revision };
    kube.put(REPLICA_SETS, { metadata: { name: uid, uid, labels, annotations, ownerReferences: owner } });
  }
};
const current = { labels, ready: false, owner: 'rs-2' };
const pods = (timeoutMs?: number) => deploymentsReady(kube.api, 'app=x', work, timeoutMs);
const failure = (waiting: Promise<unknown>): Promise<LabError> =>
  waiting.then(
    () => expect.fail('it was Ready'),
    (error: LabError) => error,
  );

/** Lets deadlines of minutes come at once; each question moves the clock by a minute. */
function hurry() {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    nowMs += 60_000;
    return nowMs;
  });
}

describe('pods', () => {
  it('are Ready when each Deployment has all its replicas, and no others', async () => {
    kube.put(DEPLOYMENTS, deployment(3, 2));
    const waiting = pods();
    await eventually(() => said.includes('server: 2 of 3 Ready'));
    const askedAgain = async () => {
      const before = said.length;
      await eventually(() => said.length > before + 1);
    };
    // The old ones are still going.
    kube.put(DEPLOYMENTS, { ...deployment(3, 3), status: { ...deployment(3, 3).status, replicas: 4 } });
    await askedAgain();
    // The controller has not seen the change yet.
    kube.put(DEPLOYMENTS, { ...deployment(3, 3), metadata: { name: 'server', labels, generation: 3 } });
    await askedAgain();
    kube.put(DEPLOYMENTS, deployment(3, 3));
    expect(await waiting).toBe('3 pods');
  });

  it.each([
    ['CrashLoopBackOff', 'back-off 5m0s restarting failed container', 2, true],
    ['ImagePullBackOff', 'Back-off pulling image "grpc-kind-lab/greeter-server:x"', 0, false],
    ['ErrImageNeverPull', 'Container image is not present', 0, false],
  ])('that will never be Ready are named at once: %s', async (reason, message, restarts, previous) => {
    putReplicaSets();
    kube.put(DEPLOYMENTS, deployment(3, 0));
    kube.put(PODS, pod('server-1', { ...current, restarts, waiting: { reason, message } }));
    const asked: (string | null)[] = [];
    kube.on(LOG, ({ query }, response) => {
      asked.push(query.get('previous'));
      response.writeHead(200, { 'content-type': 'text/plain' }).end('starting\nError: no token\n');
    });
    const error = await failure(pods());
    expect(error).toMatchObject({
      code: 'failed',
      message: `the pod server-1 will not get Ready: ${reason}: ${message}`,
      hint: 'Its last log lines:\n  starting\n  Error: no token',
    });
    expect(asked).toEqual([`${previous}`]);
  });

  it('that the kubelet tries again are named when it has for a while', async () => {
    putReplicaSets();
    kube.put(DEPLOYMENTS, deployment(3, 0));
    const waiting = { reason: 'CreateContainerConfigError', message: 'failed to sync secret cache' };
    kube.put(PODS, pod('server-1', { ...current, waiting }));
    kube.on(LOG, (_request, response) => response.writeHead(200).end(''));
    const failed = failure(pods());
    await eventually(() => said.length > 2);
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 16_000);
    const error = await failed;
    clock.mockRestore();
    expect(error).toMatchObject({ message: expect.stringContaining('CreateContainerConfigError') });
  });

  it('that the kubelet tries again may get Ready', async () => {
    putReplicaSets();
    kube.put(DEPLOYMENTS, deployment(1, 0));
    kube.put(PODS, pod('server-1', { ...current, waiting: { reason: 'CreateContainerError' } }));
    const done = pods();
    await eventually(() => said.length > 2);
    kube.put(DEPLOYMENTS, deployment(1, 1));
    expect(await done).toBe('1 pods');
  });

  it('that ended with an error may come back, as after a restart of their node', async () => {
    putReplicaSets();
    kube.put(DEPLOYMENTS, deployment(1, 0));
    const ended = pod('server-1', current);
    const [status] = ended.status?.containerStatuses ?? [];
    if (status) status.state = { terminated: { exitCode: 255, reason: 'Unknown' } };
    kube.put(PODS, ended);
    const done = pods();
    await eventually(() => said.length > 1);
    kube.put(DEPLOYMENTS, deployment(1, 1));
    expect(await done).toBe('1 pods');
  });

  it('that are going anyway, or belong to something else, are not waited for', async () => {
    putReplicaSets();
    kube.put(DEPLOYMENTS, deployment(1, 0));
    const waiting = { reason: 'CrashLoopBackOff' };
    kube.put(PODS, pod('going', { ...current, waiting, deletionTimestamp: '2026-01-01T00:00:00Z' }));
    kube.put(PODS, pod('of-the-last-rollout', { ...current, waiting, owner: 'rs-1' }));
    kube.put(PODS, pod('other', { ...current, waiting, labels: {} }));
    const done = pods();
    await eventually(() => said.length > 1);
    kube.put(DEPLOYMENTS, deployment(1, 1));
    expect(await done).toBe('1 pods');
  });

  it('that do not come are told as last seen', async () => {
    kube.put(DEPLOYMENTS, deployment(3, 1));
    const error = await failure(pods(0));
    expect(error).toMatchObject({
      message: 'all pods Ready: not within 0ms',
      hint: 'Last seen: server: 1 of 3 Ready',
    });
  });

  it('are waited for while the API server is away, but not when it refuses', async () => {
    kube.put(DEPLOYMENTS, deployment(1, 1));
    let asked = 0;
    kube.on(`GET ${DEPLOYMENTS}?`, (_, response) => {
      asked += 1;
      response.destroy();
    });
    const waiting = pods();
    await eventually(() => asked > 0 && said.length > 0);
    expect(said[0]).toMatch(/^the API server does not answer \(/);
    kube.on(`GET ${DEPLOYMENTS}?`, refuse(403, 'forbidden'));
    await expect(waiting).rejects.toMatchObject({ code: 403 });
  });
});

describe('nodes', () => {
  it('are all there and all Ready, or it says which were not', async () => {
    kube.put('/api/v1/nodes', node('control-plane'));
    kube.put('/api/v1/nodes', node('worker1', false));
    const waiting = nodesReady(kube.api, 2, work);
    await eventually(() => said.includes('NotReady: worker1'));
    kube.put('/api/v1/nodes', node('worker1'));
    expect(await waiting).toBe('2 nodes');

    hurry();
    const error = await failure(nodesReady(kube.api, 3, work));
    expect(error).toMatchObject({ code: 'failed', hint: 'Last seen: 2 of 3 nodes have joined' });
    kube.put('/api/v1/nodes', node('worker1', false));
    expect((await failure(nodesReady(kube.api, 2, work))).hint).toBe('Last seen: NotReady: worker1');
  });
});

it('system pods are those in the namespaces of the cluster itself that have not ended', async () => {
  const system = '/api/v1/namespaces/kube-system/pods';
  kube.put(PODS, pod('of-the-lab', { ready: false }));
  kube.put('/api/v1/namespaces/shop/pods', pod('of-others', { namespace: 'shop', ready: false }));
  kube.put(system, pod('coredns', { namespace: 'kube-system' }));
  const ended = pod('job', { namespace: 'kube-system', ready: false });
  kube.put(system, { ...ended, status: { ...ended.status, phase: 'Succeeded' } } as typeof ended);
  expect(await systemPodsReady(kube.api, work)).toBe('1 pods');
  kube.put(system, pod('coredns', { namespace: 'kube-system', ready: false }));
  hurry();
  expect((await failure(systemPodsReady(kube.api, work))).hint).toBe('Last seen: not Ready: coredns');
});

describe('objects', () => {
  const service = (name: string, run?: string) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: 'grpc-kind-lab',
      ...(run ? { labels: { 'grpc-kind-lab.dev/run': run } } : {}),
    },
  });

  it('are applied by server-side apply, with the hash of what they are', async () => {
    await apply(kube.api, [service('greeter')]);
    const [request] = kube.requests.filter(({ method }) => method === 'PATCH');
    expect(request?.path).toBe(`${SERVICES}/greeter`);
    expect(request?.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(request?.query.get('fieldManager')).toBe('grpc-kind-lab');
    expect(request?.query.get('force')).toBe('true');
    expect(kube.objects(SERVICES)[0]?.metadata?.annotations).toHaveProperty([
      'grpc-kind-lab.dev/manifest-hash',
    ]);
  });

  it.each([
    ['a Status', refuse(422, 'spec.ports: Required value'), 'spec.ports: Required value'],
    [
      'text',
      ((_, response) => response.writeHead(500).end('etcd is away\n')) satisfies ReturnType<typeof refuse>,
      'etcd is away',
    ],
  ])('that are refused are named, with the reason in %s', async (_, answer, reason) => {
    kube.on(`PATCH ${SERVICES}/greeter`, answer);
    await expect(apply(kube.api, [service('other'), service('greeter')])).rejects.toMatchObject({
      code: 'failed',
      message: `Service greeter was refused: ${reason}`,
    });
  });

  it('of a run are deleted with its pods, and no others', async () => {
    const ofRun = { 'grpc-kind-lab.dev/run': 'one' };
    kube.put(SERVICES, service('a', 'one'));
    kube.put(SERVICES, service('b', 'two'));
    kube.put(SERVICES, service('lab'));
    kube.put(DEPLOYMENTS, { metadata: { name: 'd', labels: ofRun } });
    kube.put(PODS, pod('p', { labels: ofRun }));
    expect(await deleteRun(kube.api, 'one')).toEqual(['one']);
    expect(kube.objects(SERVICES).map(({ metadata }) => metadata?.name)).toEqual(['b', 'lab']);
    expect([...kube.objects(DEPLOYMENTS), ...kube.objects(PODS)]).toEqual([]);
    expect(await deleteRun(kube.api)).toEqual(['two']);
    expect(kube.objects(SERVICES).map(({ metadata }) => metadata?.name)).toEqual(['lab']);
    expect(await deleteRun(kube.api)).toEqual([]);
  });
});
