import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { podsToDelete } from '../../../scripts/cluster/embedded/controllers/pods-to-delete.ts';
import { createQueue } from '../../../scripts/cluster/embedded/controllers/queue.ts';
import { deletePod } from '../../../scripts/cluster/embedded/delete-pod.ts';
import { forbidden } from '../../../scripts/cluster/embedded/errors.ts';
import type { Pod } from '../../../scripts/cluster/embedded/objects.ts';
import { wireTime } from '../../../scripts/cluster/embedded/store.ts';
import { eventually } from '../../support/eventually.ts';
import {
  changeDeployment,
  createDeployment,
  createPod,
  eventsOf,
  NAMESPACE,
  podsOf,
  runToEnd,
  setPhase,
  setReady,
  useLab,
} from './controllers-lab.ts';

const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

describe('a replica set', () => {
  test('replaces pods that are deleted, that failed, and no others', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web');
    await runToEnd(lab);
    const [deleted, failed, kept] = names(podsOf(lab)) as [string, string, string];
    deletePod(lab.store, NAMESPACE, deleted);
    setPhase(lab, failed, 'Failed');
    await lab.settle();
    // Both are still there, but no longer count.
    expect(podsOf(lab)).toHaveLength(5);
    expect(names(podsOf(lab))).toEqual(expect.arrayContaining([deleted, failed, kept]));
    const [set] = lab.store.list('replicasets', NAMESPACE);
    expect(set?.status).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 1,
      availableReplicas: 1,
      observedGeneration: 1,
    });
  });

  test('lets go of a pod whose labels it does not select, and takes in one that it does', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web');
    await runToEnd(lab);
    const [first] = podsOf(lab);
    const name = first?.metadata.name ?? '';
    const label = (app: string) =>
      lab.store.update('pods', NAMESPACE, name, (before) => ({
        ...before,
        metadata: { ...before.metadata, labels: { ...before.metadata.labels, app } },
      }));
    label('quarantine');
    await runToEnd(lab);
    expect(lab.store.get('pods', NAMESPACE, name)?.metadata).not.toHaveProperty('ownerReferences');
    expect(podsOf(lab, 'web')).toHaveLength(3);
    label('web');
    await runToEnd(lab);
    expect(podsOf(lab)).toHaveLength(3);
    expect(podsOf(lab).every(({ metadata }) => metadata.ownerReferences?.length === 1)).toBe(true);
  });

  test('says why a pod was refused, and tries again', async () => {
    let refused = true;
    const lab = useLab({
      admitPod(pod) {
        if (refused) throw forbidden('no service account');
        return { ...pod, spec: { containers: [], ...pod.spec, serviceAccountName: 'default' } };
      },
    });
    createDeployment(lab.store, 'web', { replicas: 1 });
    await lab.settle();
    const [set] = lab.store.list('replicasets', NAMESPACE);
    expect(eventsOf(lab, set?.metadata.name ?? '')[0]).toBe(
      'FailedCreate: Error creating: no service account',
    );
    expect(set?.status?.conditions).toMatchObject([{ type: 'ReplicaFailure', reason: 'FailedCreate' }]);
    expect(lab.store.get('deployments', NAMESPACE, 'web')?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'ReplicaFailure', status: 'True', message: 'no service account' }),
    );
    refused = false;
    await eventually(() => podsOf(lab).length === 1);
    expect(podsOf(lab)[0]?.spec?.serviceAccountName).toBe('default');
    await lab.settle();
    expect(lab.store.get('deployments', NAMESPACE, 'web')?.status?.conditions).not.toContainEqual(
      expect.objectContaining({ type: 'ReplicaFailure' }),
    );
  });

  test('makes and takes away many pods a part at a time, so that others have their turn', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 1200 });
    const steps: number[] = [];
    const count = (until: number) =>
      eventually(() => {
        const now = podsOf(lab).length;
        if (now !== (steps.at(-1) ?? 0)) steps.push(now);
        return now === until;
      });
    await count(1200);
    expect(steps[0]).toBeLessThanOrEqual(500);
    steps.length = 0;
    changeDeployment(lab.store, 'web', { replicas: 0 });
    for (const pod of podsOf(lab)) expect(pod.metadata.deletionTimestamp).toBeUndefined();
    const going = () => podsOf(lab).filter(({ metadata }) => metadata.deletionTimestamp).length;
    const seen = new Set<number>();
    await eventually(() => {
      seen.add(going());
      return going() === podsOf(lab).length;
    });
    expect(Math.max(...[...seen].filter((number) => number < 1200))).toBeLessThanOrEqual(1000);
  });

  test('deletes gracefully, and says which', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 1 });
    await runToEnd(lab);
    const [set] = lab.store.list('replicasets', NAMESPACE);
    const name = names(podsOf(lab))[0];
    changeDeployment(lab.store, 'web', { replicas: 0 });
    await lab.settle();
    expect(eventsOf(lab, set?.metadata.name ?? '')).toEqual([
      `SuccessfulCreate: Created pod: ${name}`,
      `SuccessfulDelete: Deleted pod: ${name}`,
    ]);
    expect(podsOf(lab)[0]?.metadata).toMatchObject({ name, deletionGracePeriodSeconds: 7 });
  });
});

describe('the order in which pods go', () => {
  const NOW = Date.parse('2026-01-01T00:00:00Z');
  type Given = {
    node?: string;
    phase?: string;
    readyForMs?: number;
    ageMs?: number;
    restarts?: number;
    cost?: string;
  };
  const pod = (name: string, given: Given): Pod => {
    const { node = `node-of-${name}`, phase = 'Running', readyForMs = 60_000, ageMs = 60_000 } = given;
    const { restarts = 0, cost } = given;
    const since = wireTime(new Date(NOW - readyForMs));
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        uid: name,
        resourceVersion: '1',
        creationTimestamp: wireTime(new Date(NOW - ageMs)),
        ...(cost ? { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } } : {}),
      },
      spec: { containers: [], ...(node ? { nodeName: node } : {}) },
      status: {
        phase,
        conditions: [{ type: 'Ready', status: readyForMs > 0 ? 'True' : 'False', lastTransitionTime: since }],
        containerStatuses: [{ name: 'main', image: '', imageID: '', ready: true, restartCount: restarts }],
      },
    };
  };
  test.each<[string, Given, Given]>([
    ['without a node', { node: '' }, {}],
    ['pending', { phase: 'Pending' }, {}],
    ['not ready', { readyForMs: 0 }, {}],
    ['not ready, though alone on its node', { readyForMs: 0 }, { node: 'crowded' }],
    ['cheaper', { cost: '-1' }, { node: 'crowded' }],
    ['with more of them on its node', { node: 'crowded', readyForMs: 900_000 }, { readyForMs: 1000 }],
    ['ready for less long', { readyForMs: 1000 }, {}],
    ['restarted more often', { restarts: 3 }, {}],
    ['younger', { ageMs: 1000 }, {}],
  ])('%s goes first', (_, first, other) => {
    // Names decide last: the one that is to go first has the higher one.
    const pods = [pod('a', other), pod('z', first)];
    const related = [...pods, pod('x', { node: 'crowded' }), pod('y', { node: 'crowded' })];
    expect(names(podsToDelete(pods, related, 1, NOW))).toEqual(['z']);
    expect(names(podsToDelete(pods, related, 2, NOW))).toEqual(['z', 'a']);
  });
});

describe('deletePod', () => {
  test('removes one without a node at once', () => {
    const { store } = useLab({ nodes: 0 });
    createPod(store, 'waits');
    expect(deletePod(store, NAMESPACE, 'waits')).toBeUndefined();
    expect(store.get('pods', NAMESPACE, 'waits')).toBeUndefined();
    expect(deletePod(store, NAMESPACE, 'waits')).toBeUndefined();
  });

  test('gives one with a node its grace, which can only get shorter', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
    const { store } = useLab();
    createPod(store, 'runs', { nodeName: 'worker-1', terminationGracePeriodSeconds: 20 });
    const end = (grace?: number) => {
      const { metadata } = deletePod(store, NAMESPACE, 'runs', grace) ?? {};
      return [metadata?.deletionTimestamp, metadata?.deletionGracePeriodSeconds];
    };
    expect(end()).toEqual(['2026-01-01T00:00:20Z', 20]);
    vi.advanceTimersByTime(4000);
    expect(end(60)).toEqual(['2026-01-01T00:00:20Z', 20]);
    expect(end(10)).toEqual(['2026-01-01T00:00:10Z', 10]);
    expect(end(0)).toEqual(['2026-01-01T00:00:00Z', 0]);
    vi.useRealTimers();
  });

  test('waits 30 seconds by default, and not at all for one that has ended', () => {
    const lab = useLab();
    createPod(lab.store, 'runs', { nodeName: 'worker-1' });
    expect(deletePod(lab.store, NAMESPACE, 'runs')?.metadata.deletionGracePeriodSeconds).toBe(30);
    createPod(lab.store, 'ended', { nodeName: 'worker-1' });
    setPhase(lab, 'ended', 'Succeeded');
    expect(deletePod(lab.store, NAMESPACE, 'ended')?.metadata.deletionGracePeriodSeconds).toBe(0);
  });
});

describe('a work queue', () => {
  test('looks once at a key that was added often, and again after a failure', async () => {
    const seen: string[] = [];
    const logged: string[] = [];
    const queue = createQueue(
      'test',
      (key) => {
        seen.push(key);
        if (key === 'bad' && seen.length < 5) throw new Error('not yet');
      },
      (text) => logged.push(text),
    );
    for (const key of ['good', 'bad', 'good', 'bad']) queue.add(key);
    expect(seen).toEqual([]);
    await eventually(() => seen.length === 5);
    expect(seen).toEqual(['good', 'bad', 'bad', 'bad', 'bad']);
    expect(logged).toEqual(Array(3).fill('test: bad: not yet'));
    queue.stop();
  });

  test('waits longer after each failure, and until the earliest of the times that it is given', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    onTestFinished(() => vi.useRealTimers() && undefined);
    const seen: string[] = [];
    const sync = (key: string) => {
      seen.push(key);
      if (key === 'bad') throw new Error('never');
    };
    const queue = createQueue('test', sync, () => {});
    onTestFinished(queue.stop);
    const times: number[] = [];
    queue.add('bad');
    for (let ms = 0; ms < 100; ms += 1) {
      await turn();
      if (seen.pop()) times.push(ms);
      vi.advanceTimersByTime(1);
    }
    expect(times).toEqual([0, 5, 15, 35, 75]);
    queue.addAfter('good', 50);
    queue.addAfter('good', 10);
    queue.addAfter('good', 30);
    vi.advanceTimersByTime(10);
    await turn();
    expect(seen).toEqual(['good']);
    vi.advanceTimersByTime(40);
    await turn();
    expect(seen).toEqual(['good']);
  });

  test('rests for as long as it has worked, so that others have their turn', async () => {
    const times: number[] = [];
    const work = () => {
      times.push(performance.now());
      const began = process.cpuUsage();
      while (process.cpuUsage(began).user < 150_000);
      times.push(performance.now());
      if (times.length < 4) queue.add('key');
    };
    const queue = createQueue('test', work, () => {});
    queue.add('key');
    await eventually(() => times.length === 4);
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThan(140);
  });

  test('does nothing once it is stopped', async () => {
    const seen: string[] = [];
    const queue = createQueue(
      'test',
      (key) => seen.push(key),
      () => {},
    );
    queue.add('now');
    queue.addAfter('later', 1);
    queue.stop();
    queue.add('after');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen).toEqual([]);
  });
});

test('stopped controllers leave the store alone', async () => {
  const lab = useLab();
  createDeployment(lab.store, 'web');
  await lab.settle();
  lab.stop();
  for (const pod of podsOf(lab)) setReady(lab, pod.metadata.name);
  const version = lab.store.version();
  await lab.settle();
  expect(lab.store.version()).toBe(version);
});
