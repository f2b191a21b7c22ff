import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  changeDeployment,
  createDeployment,
  eventsOf,
  type Lab,
  NAMESPACE,
  podsOf,
  runToEnd,
  setReady,
  templateOf,
  useLab,
} from './controllers-lab.ts';

afterEach(() => vi.useRealTimers());

const deploymentOf = ({ store }: Lab, name = 'web') => {
  const found = store.get('deployments', NAMESPACE, name);
  if (!found) throw new Error(`no deployment ${name}`);
  return found;
};
const conditionOf = (lab: Lab, wanted: string) => {
  const found = deploymentOf(lab).status?.conditions?.find(({ type }) => type === wanted);
  return found && `${found.status} ${found.reason}: ${found.message}`;
};
const setsOf = ({ store }: Lab) =>
  store.list('replicasets', NAMESPACE).sort((a, b) => revisionOf(a) - revisionOf(b));
const revisionOf = (object: { metadata: { annotations?: Record<string, string> } }) =>
  Number(object.metadata.annotations?.['deployment.kubernetes.io/revision']);
const sizesOf = (lab: Lab) => setsOf(lab).map(({ spec }) => spec?.replicas);

/** One pod more is Ready at a time, and one that ends is gone at once; what was seen on the way. */
async function rollSlowly(lab: Lab): Promise<{ most: number; leastReady: number }> {
  let [most, leastReady] = [0, Number.POSITIVE_INFINITY];
  const look = () => {
    const running = podsOf(lab).filter(({ metadata }) => !metadata.deletionTimestamp);
    most = Math.max(most, running.length);
    leastReady = Math.min(
      leastReady,
      running.filter(({ status }) =>
        status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
      ).length,
    );
  };
  for (;;) {
    await lab.settle();
    look();
    const ended = podsOf(lab).find(({ metadata }) => metadata.deletionTimestamp);
    const next = podsOf(lab).find(({ status }) => !status?.podIP);
    if (ended) lab.store.remove('pods', NAMESPACE, ended.metadata.name);
    else if (next) setReady(lab, next.metadata.name);
    else return { most, leastReady };
  }
}

describe('a new deployment', () => {
  test('gets a replica set by the hash of its template, and pods', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 5 });
    await lab.settle();

    const [set] = setsOf(lab);
    const hash = set?.metadata.labels?.['pod-template-hash'] ?? '';
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
    expect(set).toMatchObject({
      metadata: {
        name: `web-${hash}`,
        labels: { app: 'web', 'pod-template-hash': hash },
        annotations: {
          'deployment.kubernetes.io/revision': '1',
          'deployment.kubernetes.io/desired-replicas': '5',
          'deployment.kubernetes.io/max-replicas': '7',
        },
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            name: 'web',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: { replicas: 5, selector: { matchLabels: { app: 'web', 'pod-template-hash': hash } } },
    });
    expect(podsOf(lab)).toHaveLength(5);
    for (const { metadata, spec } of podsOf(lab)) {
      expect(metadata.name).toMatch(new RegExp(`^web-${hash}-[bcdfghjklmnpqrstvwxz2456789]{5}$`));
      expect(metadata).toMatchObject({
        generateName: `web-${hash}-`,
        labels: { app: 'web', 'pod-template-hash': hash },
        ownerReferences: [{ kind: 'ReplicaSet', name: `web-${hash}`, controller: true }],
      });
      expect(spec?.nodeName).toMatch(/^worker-/);
    }
    expect(eventsOf(lab, 'web')).toEqual([
      `ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 5`,
    ]);
    expect(eventsOf(lab, `web-${hash}`)).toHaveLength(5);
    expect(revisionOf(deploymentOf(lab))).toBe(1);
  });

  test('says how far it is', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 4 });
    await lab.settle();
    expect(deploymentOf(lab).status).toMatchObject({
      observedGeneration: 1,
      replicas: 4,
      updatedReplicas: 4,
      unavailableReplicas: 4,
    });
    expect(deploymentOf(lab).status).not.toHaveProperty('readyReplicas');
    expect(conditionOf(lab, 'Available')).toBe(
      'False MinimumReplicasUnavailable: Deployment does not have minimum availability.',
    );

    const [first, second, third, fourth] = podsOf(lab).map(({ metadata }) => metadata.name) as [
      string,
      string,
      string,
      string,
    ];
    for (const name of [first, second]) setReady(lab, name);
    await lab.settle();
    expect(conditionOf(lab, 'Available')).toMatch(/^False/);
    setReady(lab, third);
    await lab.settle();
    expect(conditionOf(lab, 'Available')).toBe(
      'True MinimumReplicasAvailable: Deployment has minimum availability.',
    );
    const set = setsOf(lab)[0]?.metadata.name;
    expect(conditionOf(lab, 'Progressing')).toBe(
      `True ReplicaSetUpdated: ReplicaSet "${set}" is progressing.`,
    );
    setReady(lab, fourth);
    await lab.settle();
    expect(deploymentOf(lab).status).toMatchObject({
      replicas: 4,
      updatedReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
    });
    expect(deploymentOf(lab).status).not.toHaveProperty('unavailableReplicas');
    expect(conditionOf(lab, 'Progressing')).toBe(
      `True NewReplicaSetAvailable: ReplicaSet "${set}" has successfully progressed.`,
    );
  });

  test('whose replica set name is taken finds another', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web');
    await lab.settle();
    const [taken] = setsOf(lab);
    if (!taken) throw new Error('no replica set');
    const other = useLab();
    other.store.create('replicasets', {
      ...taken,
      metadata: { name: taken.metadata.name, namespace: NAMESPACE },
      spec: { replicas: 0, selector: { matchLabels: { app: 'other' } } },
    });
    createDeployment(other.store, 'web');
    await other.settle();
    expect(podsOf(other)).toHaveLength(3);
    expect(deploymentOf(other).status?.collisionCount).toBe(1);
  });
});

describe('a rolling update', () => {
  test.each([
    { replicas: 4, rollingUpdate: {}, most: 5, leastReady: 3 },
    { replicas: 10, rollingUpdate: {}, most: 13, leastReady: 8 },
    { replicas: 3, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }, most: 4, leastReady: 3 },
    { replicas: 3, rollingUpdate: { maxSurge: 0, maxUnavailable: 1 }, most: 3, leastReady: 2 },
    { replicas: 3, rollingUpdate: { maxSurge: 0, maxUnavailable: '10%' }, most: 3, leastReady: 2 },
    { replicas: 4, rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 }, most: 8, leastReady: 4 },
  ])('of $replicas pods with $rollingUpdate keeps within $most and $leastReady', async (row) => {
    const lab = useLab();
    const { replicas, rollingUpdate, most, leastReady } = row;
    createDeployment(lab.store, 'web', { replicas, strategy: { type: 'RollingUpdate', rollingUpdate } });
    await runToEnd(lab);
    changeDeployment(lab.store, 'web', { image: 'greeter:2' });
    expect(await rollSlowly(lab)).toEqual({ most, leastReady });
    expect(sizesOf(lab)).toEqual([0, replicas]);
    expect(podsOf(lab).every(({ spec }) => spec?.containers[0]?.image === 'greeter:2')).toBe(true);
    expect(conditionOf(lab, 'Progressing')).toMatch(/^True NewReplicaSetAvailable/);
    expect(deploymentOf(lab).status).toMatchObject({
      observedGeneration: 2,
      replicas,
      updatedReplicas: replicas,
    });
  });

  test('that gets nowhere keeps what is available, and misses its deadline', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 4, progressDeadlineSeconds: 60 });
    await runToEnd(lab);
    changeDeployment(lab.store, 'web', { image: 'broken:1' });
    await lab.settle();
    expect(sizesOf(lab)).toEqual([3, 2]);
    const isAvailable = ({ type }: { type: string }) => type === 'Available';
    const available = deploymentOf(lab).status?.conditions?.find(isAvailable);
    vi.advanceTimersByTime(58_000);
    changeDeployment(lab.store, 'web', { revisionHistoryLimit: 9 });
    await lab.settle();
    expect(conditionOf(lab, 'Progressing')).toMatch(/^True/);
    expect(deploymentOf(lab).status?.conditions?.find(isAvailable)).toEqual(available);
    vi.advanceTimersByTime(4_000);
    await lab.settle();
    const set = setsOf(lab)[1]?.metadata.name;
    expect(conditionOf(lab, 'Progressing')).toBe(
      `False ProgressDeadlineExceeded: ReplicaSet "${set}" has timed out progressing.`,
    );
    expect(conditionOf(lab, 'Available')).toMatch(/^True/);
    changeDeployment(lab.store, 'web', { paused: true });
    await lab.settle();
    expect(conditionOf(lab, 'Progressing')).toMatch(/^False ProgressDeadlineExceeded/);

    changeDeployment(lab.store, 'web', { image: 'greeter:1', paused: false });
    await runToEnd(lab);
    expect(sizesOf(lab)).toEqual([0, 4]);
    expect(conditionOf(lab, 'Progressing')).toMatch(/^True NewReplicaSetAvailable/);
  });

  test('has its whole deadline again with each pod that gets on', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 3, progressDeadlineSeconds: 60 });
    await lab.settle();
    for (const pod of podsOf(lab).slice(1)) {
      vi.advanceTimersByTime(50_000);
      await lab.settle();
      expect(conditionOf(lab, 'Progressing')).toMatch(/^True ReplicaSetUpdated/);
      setReady(lab, pod.metadata.name);
      await lab.settle();
    }
    vi.advanceTimersByTime(50_000);
    await lab.settle();
    expect(conditionOf(lab, 'Progressing')).toMatch(/^True ReplicaSetUpdated/);
    vi.advanceTimersByTime(12_000);
    await lab.settle();
    expect(conditionOf(lab, 'Progressing')).toMatch(/^False ProgressDeadlineExceeded/);
  });

  test('replaces pods that never were available', async () => {
    const lab = useLab();
    const rollingUpdate = { maxSurge: 1, maxUnavailable: 0 };
    createDeployment(lab.store, 'web', { strategy: { type: 'RollingUpdate', rollingUpdate } });
    await lab.settle();
    for (const pod of podsOf(lab)) setReady(lab, pod.metadata.name, false);
    changeDeployment(lab.store, 'web', { image: 'greeter:2' });
    await runToEnd(lab);
    expect(sizesOf(lab)).toEqual([0, 3]);
  });

  test('that is scaled in keeps enough pods, whatever a status says that is not up to date', async () => {
    const lab = useLab();
    const rollingUpdate = { maxSurge: 0, maxUnavailable: 1 };
    createDeployment(lab.store, 'web', { replicas: 5, strategy: { type: 'RollingUpdate', rollingUpdate } });
    await runToEnd(lab);
    changeDeployment(lab.store, 'web', { image: 'greeter:2' });
    await lab.settle();
    setReady(lab, podsOf(lab).find(({ status }) => !status?.podIP)?.metadata.name ?? '');
    await lab.settle();
    expect(sizesOf(lab)).toEqual([3, 2]);
    changeDeployment(lab.store, 'web', { replicas: 3 });
    await lab.settle();
    const ready = podsOf(lab).filter(({ metadata, status }) => !metadata.deletionTimestamp && status?.podIP);
    expect(ready).toHaveLength(2);
  });

  test('waits until pods have been Ready for minReadySeconds', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 2, minReadySeconds: 10 });
    await runToEnd(lab);
    expect(deploymentOf(lab).status).toMatchObject({ readyReplicas: 2, unavailableReplicas: 2 });
    vi.advanceTimersByTime(8_000);
    await lab.settle();
    expect(deploymentOf(lab).status).not.toHaveProperty('availableReplicas');
    vi.advanceTimersByTime(3_000);
    await lab.settle();
    expect(deploymentOf(lab).status).toMatchObject({ availableReplicas: 2 });
    changeDeployment(lab.store, 'web', { minReadySeconds: 1000 });
    await lab.settle();
    expect(setsOf(lab)[0]?.spec?.minReadySeconds).toBe(1000);
    expect(deploymentOf(lab).status).not.toHaveProperty('availableReplicas');
  });

  test('back to a former template takes its replica set up again, as a new revision', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web');
    await runToEnd(lab);
    const first = setsOf(lab)[0]?.metadata.name;
    changeDeployment(lab.store, 'web', { image: 'greeter:2' });
    await runToEnd(lab);
    expect(revisionOf(deploymentOf(lab))).toBe(2);
    changeDeployment(lab.store, 'web', { image: 'greeter:1' });
    await runToEnd(lab);
    expect(setsOf(lab).map(revisionOf)).toEqual([2, 3]);
    expect(setsOf(lab)[1]?.metadata).toMatchObject({
      name: first,
      annotations: { 'deployment.kubernetes.io/revision-history': '1' },
    });
    expect(sizesOf(lab)).toEqual([0, 3]);
    expect(revisionOf(deploymentOf(lab))).toBe(3);
  });

  test('is not started by the order of keys, nor by labels of the deployment itself', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web');
    await runToEnd(lab);
    const { metadata, spec } = templateOf('web');
    changeDeployment(lab.store, 'web', {
      template: {
        spec: { containers: spec?.containers ?? [], terminationGracePeriodSeconds: 7 },
        ...(metadata ? { metadata } : {}),
      },
    });
    lab.store.update('deployments', NAMESPACE, 'web', (before) => ({
      ...before,
      metadata: {
        ...before.metadata,
        labels: { other: 'one' },
        annotations: { ...before.metadata.annotations, note: 'x' },
      },
    }));
    await runToEnd(lab);
    expect(setsOf(lab)).toHaveLength(1);
    expect(setsOf(lab)[0]?.metadata.annotations?.note).toBe('x');
  });

  test('keeps as many former revisions as it is told to', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 1, revisionHistoryLimit: 2 });
    for (const image of ['greeter:2', 'greeter:3', 'greeter:4', 'greeter:5']) {
      await runToEnd(lab);
      changeDeployment(lab.store, 'web', { image });
    }
    await runToEnd(lab);
    expect(setsOf(lab).map(revisionOf)).toEqual([3, 4, 5]);
  });

  test('that is paused scales, but does not go on', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web');
    await runToEnd(lab);
    changeDeployment(lab.store, 'web', { paused: true, image: 'greeter:2' });
    await runToEnd(lab);
    expect(setsOf(lab)).toHaveLength(1);
    expect(conditionOf(lab, 'Progressing')).toBe('Unknown DeploymentPaused: Deployment is paused');
    changeDeployment(lab.store, 'web', { replicas: 6 });
    await runToEnd(lab);
    expect(sizesOf(lab)).toEqual([6]);
    changeDeployment(lab.store, 'web', { paused: false });
    await runToEnd(lab);
    expect(sizesOf(lab)).toEqual([0, 6]);
  });

  test('that is scaled in its midst scales both replica sets in proportion', async () => {
    const lab = useLab();
    const rollingUpdate = { maxSurge: 3, maxUnavailable: 2 };
    createDeployment(lab.store, 'web', { replicas: 10, strategy: { type: 'RollingUpdate', rollingUpdate } });
    await runToEnd(lab);
    changeDeployment(lab.store, 'web', { image: 'broken:1' });
    await lab.settle();
    expect(sizesOf(lab)).toEqual([8, 5]);
    changeDeployment(lab.store, 'web', { replicas: 15 });
    await lab.settle();
    expect(sizesOf(lab)).toEqual([11, 7]);
  });
});

describe('scaling', () => {
  test('up and down is one event each', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 2 });
    await runToEnd(lab);
    changeDeployment(lab.store, 'web', { replicas: 5 });
    await runToEnd(lab);
    expect(podsOf(lab)).toHaveLength(5);
    changeDeployment(lab.store, 'web', { replicas: 0 });
    await runToEnd(lab);
    expect(podsOf(lab)).toEqual([]);
    const set = setsOf(lab)[0]?.metadata.name;
    expect(eventsOf(lab, 'web')).toEqual([
      `ScalingReplicaSet: Scaled up replica set ${set} from 0 to 2`,
      `ScalingReplicaSet: Scaled up replica set ${set} from 2 to 5`,
      `ScalingReplicaSet: Scaled down replica set ${set} from 5 to 0`,
    ]);
    expect(conditionOf(lab, 'Available')).toMatch(/^True/);
    expect(deploymentOf(lab).status).not.toHaveProperty('replicas');
  });
});

test('Recreate starts no new pod before the last old one is gone', async () => {
  const lab = useLab();
  createDeployment(lab.store, 'web', { replicas: 2, strategy: { type: 'Recreate' } });
  await runToEnd(lab);
  const [one, two] = podsOf(lab).map(({ metadata }) => metadata.name) as [string, string];
  changeDeployment(lab.store, 'web', { image: 'greeter:2' });
  await lab.settle();
  expect(podsOf(lab).map(({ metadata }) => [metadata.name, metadata.deletionGracePeriodSeconds])).toEqual([
    [one, 7],
    [two, 7],
  ]);
  lab.store.remove('pods', NAMESPACE, one);
  await lab.settle();
  expect(podsOf(lab).map(({ metadata }) => metadata.name)).toEqual([two]);
  lab.store.remove('pods', NAMESPACE, two);
  await runToEnd(lab);
  expect(podsOf(lab).map(({ spec }) => spec?.containers[0]?.image)).toEqual(['greeter:2', 'greeter:2']);
});
