// Deployments: what a change of the template, the size or a pod makes of them, seen by watches.
import type { V1Deployment, V1Pod, V1ReplicaSet } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { area, JSON_PATCH, type Space, until } from './support.ts';
import { agentIn, deployment, isReady, nameOf, readyPods, runDeployment } from './workloads.ts';

const HASH = 'pod-template-hash';
const REVISION = 'deployment.kubernetes.io/revision';

/** Changes the template, so that there is something to roll out. */
const change = (space: Space, name: string, value: string) =>
  space.patch('deployments', name, { spec: { template: { metadata: { annotations: { change: value } } } } });

/** Waits until the controller says that the last change is rolled out. */
const rolledOut = (space: Space, name: string): Promise<V1Deployment> =>
  until(`${name} rolled out`, async () => {
    const found = await space.get('deployments', name);
    const replicas = found.spec?.replicas;
    expect(found.status).toMatchObject({
      observedGeneration: found.metadata?.generation,
      replicas,
      updatedReplicas: replicas,
      availableReplicas: replicas,
    });
    return found;
  });

const conditionOf = ({ status }: V1Deployment, type: string) =>
  status?.conditions?.find((condition) => condition.type === type);

const sets = async (space: Space, name: string): Promise<V1ReplicaSet[]> => {
  const revision = (set: V1ReplicaSet) => Number(set.metadata?.annotations?.[REVISION]);
  return (await space.list('replicasets', `app=${name}`)).sort((a, b) => revision(a) - revision(b));
};

const strategy = (maxSurge: number, maxUnavailable: number): Partial<V1Deployment['spec'] & object> => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
});

/** The pods that there are after each event, told by a watch from now on. */
async function podsOverTime(space: Space, name: string) {
  const watching = await space.watch<V1Pod>(space.path('pods'), { labelSelector: `app=${name}` });
  return {
    snapshots: (): V1Pod[][] => {
      const pods = new Map<string, V1Pod>();
      return watching.events.map(({ type, object }) => {
        if (type === 'DELETED') pods.delete(nameOf(object));
        else pods.set(nameOf(object), object);
        return [...pods.values()];
      });
    },
    [Symbol.asyncDispose]: () => watching[Symbol.asyncDispose](),
  };
}

const serving = (pods: readonly V1Pod[]): number =>
  pods.filter((pod) => isReady(pod) && !pod.metadata?.deletionTimestamp).length;

/** How many replicas all ReplicaSets were asked for together, after each event. */
async function askedOverTime(space: Space, name: string) {
  const watching = await space.watch<V1ReplicaSet>(space.path('replicasets'), {
    labelSelector: `app=${name}`,
  });
  return {
    most: (): number => {
      const asked = new Map<string, number>();
      const sums = watching.events.map(({ object }) => {
        asked.set(nameOf(object), object.spec?.replicas ?? 0);
        return [...asked.values()].reduce((sum, replicas) => sum + replicas, 0);
      });
      return Math.max(...sums);
    },
    [Symbol.asyncDispose]: () => watching[Symbol.asyncDispose](),
  };
}

export const rollout = area('rollout', (contract) => {
  contract(
    'a Deployment makes a ReplicaSet, and that its pods, by the hash of the template',
    async (space) => {
      const pods = await runDeployment(space, 'made', 2);
      const [set] = await sets(space, 'made');
      const hash = set?.metadata?.labels?.[HASH] ?? '';
      expect(nameOf(set)).toBe(`made-${hash}`);
      expect(set?.spec?.selector.matchLabels).toEqual({ app: 'made', [HASH]: hash });
      expect(set?.metadata?.annotations?.[REVISION]).toBe('1');
      for (const pod of pods) {
        expect(nameOf(pod)).toMatch(new RegExp(`^made-${hash}-[a-z0-9]{5}$`));
        expect(pod.metadata?.labels).toEqual({ app: 'made', [HASH]: hash });
        expect(pod.metadata?.generateName).toBe(`made-${hash}-`);
      }
      const status = (await rolledOut(space, 'made')).status;
      expect(status).toMatchObject({
        replicas: 2,
        readyReplicas: 2,
        updatedReplicas: 2,
        availableReplicas: 2,
      });
      expect(status?.unavailableReplicas).toBeUndefined();
    },
  );

  contract('its conditions say what it has come to', async (space) => {
    await runDeployment(space, 'conditions', 1);
    const done = await until('the conditions', async () => {
      const found = await rolledOut(space, 'conditions');
      expect(conditionOf(found, 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
      return found;
    });
    const [set] = await sets(space, 'conditions');
    expect(conditionOf(done, 'Available')).toMatchObject({
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
    });
    expect(conditionOf(done, 'Progressing')).toMatchObject({
      status: 'True',
      message: `ReplicaSet "${nameOf(set)}" has successfully progressed.`,
    });
  });

  contract('a rolling update with surge never has fewer pods that serve', async (space) => {
    await runDeployment(space, 'surge', 3, { spec: strategy(1, 0) });
    await using pods = await podsOverTime(space, 'surge');
    await using asked = await askedOverTime(space, 'surge');
    await until('the first list', async () => expect(serving(pods.snapshots().at(-1) ?? [])).toBe(3));
    const from = pods.snapshots().length - 1;
    await change(space, 'surge', '1');
    await rolledOut(space, 'surge');
    await readyPods(space, 'surge', 3);
    expect(Math.min(...pods.snapshots().slice(from).map(serving))).toBe(3);
    expect(asked.most()).toBe(4);
    const [old, current] = await sets(space, 'surge');
    expect([old?.spec?.replicas, current?.spec?.replicas]).toEqual([0, 3]);
  });

  contract('a rolling update without surge never has more pods than asked for', async (space) => {
    await runDeployment(space, 'tight', 3, { spec: strategy(0, 1) });
    await using pods = await podsOverTime(space, 'tight');
    await using asked = await askedOverTime(space, 'tight');
    await until('the first list', async () => expect(serving(pods.snapshots().at(-1) ?? [])).toBe(3));
    const from = pods.snapshots().length - 1;
    await change(space, 'tight', '1');
    await rolledOut(space, 'tight');
    expect(asked.most()).toBe(3);
    expect(Math.min(...pods.snapshots().slice(from).map(serving))).toBe(2);
  });

  contract('Recreate ends every old pod before it makes a new one', async (space) => {
    const [old] = await runDeployment(space, 'recreate', 2, {
      env: { LINGER_MS: '1500' },
      pod: { terminationGracePeriodSeconds: 10 },
      spec: { strategy: { type: 'Recreate' } },
    });
    await using pods = await podsOverTime(space, 'recreate');
    await change(space, 'recreate', '1');
    await rolledOut(space, 'recreate');
    const oldHash = old?.metadata?.labels?.[HASH];
    // A pod that has ended may be listed for a moment longer.
    const runs = ({ status }: V1Pod) => !['Succeeded', 'Failed'].includes(status?.phase ?? '');
    const hashes = pods
      .snapshots()
      .map((there) => new Set(there.filter(runs).map(({ metadata }) => metadata?.labels?.[HASH])));
    expect(hashes.filter((seen) => seen.size > 1)).toEqual([]);
    expect(hashes.at(-1)?.has(oldHash)).toBe(false);
  });

  contract(
    'an image that cannot be had leaves the old pods as they are, and can be mended',
    async (space) => {
      const old = await runDeployment(space, 'broken', 2, { spec: strategy(1, 0) });
      const image = [
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'grpc-kind-lab/nope:1' },
        { op: 'replace', path: '/spec/template/spec/containers/0/imagePullPolicy', value: 'Never' },
      ];
      await space.patch('deployments', 'broken', image, JSON_PATCH);
      await until('a pod that waits', async () => {
        const pods = await space.list('pods', 'app=broken');
        expect(pods.map((pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason)).toContain(
          'ErrImageNeverPull',
        );
        expect(pods.map(nameOf)).toEqual(expect.arrayContaining(old.map(nameOf)));
      });
      expect((await space.get('deployments', 'broken')).status).toMatchObject({
        replicas: 3,
        updatedReplicas: 1,
        readyReplicas: 2,
        unavailableReplicas: 1,
      });
      const mend = [
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: space.images.client },
      ];
      await space.patch('deployments', 'broken', mend, JSON_PATCH);
      await rolledOut(space, 'broken');
      await readyPods(space, 'broken', 2);
    },
  );

  contract('a rollout that makes no progress in time says so', async (space) => {
    const never = { READY: 'false' };
    const spec = { progressDeadlineSeconds: 2 };
    await space.create('deployments', deployment(space, 'stuck', 1, { env: never, spec }));
    const stuck = await until('the condition', async () => {
      const found = await space.get('deployments', 'stuck');
      expect(conditionOf(found, 'Progressing')?.status).toBe('False');
      return found;
    });
    const [set] = await sets(space, 'stuck');
    expect(conditionOf(stuck, 'Progressing')).toMatchObject({
      reason: 'ProgressDeadlineExceeded',
      message: `ReplicaSet "${nameOf(set)}" has timed out progressing.`,
    });
    expect(conditionOf(stuck, 'Available')).toMatchObject({
      status: 'False',
      reason: 'MinimumReplicasUnavailable',
      message: 'Deployment does not have minimum availability.',
    });
  });

  contract('scaling up keeps the pods, scaling down takes the unready one first', async (space) => {
    const first = await runDeployment(space, 'sized', 2);
    await space.patch('deployments', 'sized', { spec: { replicas: 3 } });
    const three = await readyPods(space, 'sized', 3);
    expect(three.map(nameOf)).toEqual(expect.arrayContaining(first.map(nameOf)));
    expect(await sets(space, 'sized')).toHaveLength(1);

    const unready = nameOf(first[0]);
    await agentIn(space, unready).setReady(false);
    await until('one unready', async () =>
      expect((await space.get('deployments', 'sized')).status?.readyReplicas).toBe(2),
    );
    await space.patch('deployments', 'sized', { spec: { replicas: 2 } });
    const rest = await readyPods(space, 'sized', 2);
    expect(rest.map(nameOf)).not.toContain(unready);
    await space.patch('deployments', 'sized', { spec: { replicas: 0 } });
    await readyPods(space, 'sized', 0);
    await until('a status without replicas', async () => {
      const { status } = await space.get('deployments', 'sized');
      expect(status?.replicas ?? 0).toBe(0);
      expect(status?.readyReplicas).toBeUndefined();
    });
  });

  contract('a pod that is deleted, or loses its label, is replaced', async (space) => {
    const [first, second] = (await runDeployment(space, 'replaced', 2)).map(nameOf);
    await space.remove('pods', first ?? '');
    const again = (await readyPods(space, 'replaced', 2)).map(nameOf);
    expect(again).not.toContain(first);
    expect(again).toContain(second);

    await space.patch('pods', second ?? '', { metadata: { labels: { app: 'freed' } } });
    const last = (await readyPods(space, 'replaced', 2)).map(nameOf);
    expect(last).not.toContain(second);
    const freed = await until('the release', async () => {
      const pod = await space.get('pods', second ?? '');
      expect(pod.metadata?.ownerReferences).toBeUndefined();
      return pod;
    });
    expect(isReady(freed)).toBe(true);
    expect(freed.metadata?.deletionTimestamp).toBeUndefined();
  });

  contract('while it is paused a change waits; resuming rolls it out', async (space) => {
    const [before] = await runDeployment(space, 'paused', 1);
    await space.patch('deployments', 'paused', { spec: { paused: true } });
    await change(space, 'paused', '1');
    await until('the pause', async () => {
      const found = await space.get('deployments', 'paused');
      expect(found.status?.observedGeneration).toBe(3);
      expect(conditionOf(found, 'Progressing')).toMatchObject({
        status: 'Unknown',
        reason: 'DeploymentPaused',
      });
    });
    expect((await space.list('pods', 'app=paused')).map(nameOf)).toEqual([nameOf(before)]);
    expect(await sets(space, 'paused')).toHaveLength(1);
    await space.patch('deployments', 'paused', { spec: { paused: null } });
    await rolledOut(space, 'paused');
    const [after] = await readyPods(space, 'paused', 1);
    expect(nameOf(after)).not.toBe(nameOf(before));
  });

  contract('going back to an earlier template takes up its ReplicaSet again', async (space) => {
    await runDeployment(space, 'back', 1);
    const [first] = await sets(space, 'back');
    await change(space, 'back', '1');
    await rolledOut(space, 'back');
    await space.patch('deployments', 'back', { spec: { template: { metadata: { annotations: null } } } });
    await until('the third revision', async () => {
      const now = await sets(space, 'back');
      expect(now.map(nameOf)).toHaveLength(2);
      expect(nameOf(now[1])).toBe(nameOf(first));
      expect(now[1]?.metadata?.annotations?.[REVISION]).toBe('3');
      expect(now.map(({ spec }) => spec?.replicas)).toEqual([0, 1]);
    });
    expect((await rolledOut(space, 'back')).metadata?.annotations?.[REVISION]).toBe('3');
  });

  contract('old ReplicaSets are kept up to the limit', async (space) => {
    await runDeployment(space, 'history', 1, { spec: { revisionHistoryLimit: 1 } });
    for (const value of ['1', '2']) {
      await change(space, 'history', value);
      await rolledOut(space, 'history');
    }
    await until('two ReplicaSets', async () => {
      const revisions = (await sets(space, 'history')).map((set) => set.metadata?.annotations?.[REVISION]);
      expect(revisions).toEqual(['2', '3']);
    });
  });

  contract('a pod is available when it has been Ready for minReadySeconds', async (space) => {
    await using watching = await space.watch<V1Deployment>(space.path('deployments'), {
      fieldSelector: 'metadata.name=patient',
    });
    const [pod] = await runDeployment(space, 'patient', 1, { spec: { minReadySeconds: 3 } });
    const done = await rolledOut(space, 'patient');
    const counts = watching.events.map(({ object: { status } }) => [
      status?.readyReplicas,
      status?.availableReplicas,
    ]);
    expect(counts).toContainEqual([1, undefined]);
    const ready = pod?.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
    const available = conditionOf(done, 'Available')?.lastTransitionTime;
    // Both have steps of a second.
    expect(Date.parse(String(available)) - Date.parse(String(ready))).toBeGreaterThanOrEqual(2000);
  });

  contract('a change in the middle of a rollout replaces its target', async (space) => {
    await runDeployment(space, 'twice', 2, { spec: strategy(1, 0) });
    await change(space, 'twice', '1');
    await until('a second ReplicaSet', async () => expect(await sets(space, 'twice')).toHaveLength(2));
    await change(space, 'twice', '2');
    await rolledOut(space, 'twice');
    const pods = await readyPods(space, 'twice', 2);
    expect(new Set(pods.map(({ metadata }) => metadata?.annotations?.change))).toEqual(new Set(['2']));
  });
});
