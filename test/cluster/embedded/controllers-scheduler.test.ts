import { describe, expect, test } from 'vitest';
import { deletePod } from '../../../scripts/cluster/embedded/delete-pod.ts';
import type { Node, Pod } from '../../../scripts/cluster/embedded/objects.ts';
import {
  changeDeployment,
  createDeployment,
  createPod,
  eventsOf,
  type Lab,
  NAMESPACE,
  podsOf,
  runToEnd,
  setPhase,
  setReady,
  TAINT,
  templateOf,
  useLab,
} from './controllers-lab.ts';

type PodSpec = NonNullable<Pod['spec']>;
type Constraint = NonNullable<PodSpec['topologySpreadConstraints']>[number];

const changeNode = ({ store }: Lab, name: string, change: (node: Node) => Node) =>
  store.update('nodes', '', name, change);
const cordon = (lab: Lab, name: string, unschedulable = true) =>
  changeNode(lab, name, (node) => ({ ...node, spec: { ...node.spec, unschedulable } }));
const nodeOf = ({ store }: Lab, pod: string) => store.get('pods', NAMESPACE, pod)?.spec?.nodeName;
const scheduledOf = ({ store }: Lab, pod: string) =>
  store.get('pods', NAMESPACE, pod)?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
/** How many are on each node, the fewest first. */
const spreadOf = (lab: Lab, app?: string) => {
  const nodes = lab.store.list('nodes').filter(({ spec }) => !spec?.taints);
  return nodes
    .map(({ metadata }) => podsOf(lab, app).filter(({ spec }) => spec?.nodeName === metadata.name).length)
    .sort((a, b) => a - b);
};
const constraint = (more: Partial<Constraint> = {}): Constraint => ({
  maxSkew: 1,
  topologyKey: 'kubernetes.io/hostname',
  whenUnsatisfiable: 'ScheduleAnyway',
  labelSelector: { matchLabels: { app: 'web' } },
  ...more,
});
const withSpread = (...topologySpreadConstraints: Constraint[]) => {
  const template = templateOf('web');
  return { ...template, spec: { containers: [], ...template.spec, topologySpreadConstraints } };
};

test('binds a pod, and says so', async () => {
  const lab = useLab({ nodes: 1 });
  createPod(lab.store, 'one');
  await lab.settle();
  expect(nodeOf(lab, 'one')).toBe('worker-1');
  expect(scheduledOf(lab, 'one')).toMatchObject({ status: 'True' });
  expect(eventsOf(lab, 'one')).toEqual([`Scheduled: Successfully assigned ${NAMESPACE}/one to worker-1`]);
});

test('leaves a pod alone that has a node, is being deleted, or has ended', async () => {
  const lab = useLab();
  createPod(lab.store, 'given', { nodeName: 'elsewhere' });
  await lab.settle();
  expect(nodeOf(lab, 'given')).toBe('elsewhere');
  expect(scheduledOf(lab, 'given')).toBeUndefined();
  const late = useLab({ nodes: 0 });
  for (const name of ['held', 'ended']) createPod(late.store, name);
  late.store.update('pods', NAMESPACE, 'held', (before) => ({
    ...before,
    metadata: { ...before.metadata, finalizers: ['lab/hold'] },
  }));
  deletePod(late.store, NAMESPACE, 'held');
  setPhase(late, 'ended', 'Failed');
  await late.settle();
  for (const name of ['held', 'ended']) expect(scheduledOf(late, name)).toBeUndefined();
});

describe('what it says of a pod that fits nowhere', () => {
  const preemption = (all: string) => `. no new claims to deallocate, preemption: ${all}.`;
  const helpless = preemption('0/4 nodes are available: 4 Preemption is not helpful for scheduling');

  test.each<[string, Partial<PodSpec>, string]>([
    [
      'nodeSelector',
      { nodeSelector: { disk: 'fast' } },
      "1 node(s) had untolerated taint(s), 3 node(s) didn't match Pod's node affinity/selector",
    ],
    [
      'nodeSelector, taint tolerated',
      { nodeSelector: { disk: 'fast' }, tolerations: [{ operator: 'Exists' }] },
      "4 node(s) didn't match Pod's node affinity/selector",
    ],
  ])('%s', async (_, spec, why) => {
    const lab = useLab();
    createPod(lab.store, 'lost', spec);
    await lab.settle();
    const message = `0/4 nodes are available: ${why}${helpless}`;
    expect(scheduledOf(lab, 'lost')).toMatchObject({ status: 'False', reason: 'Unschedulable', message });
    expect(eventsOf(lab, 'lost')).toEqual([`FailedScheduling: ${message}`]);
  });

  test('cordoned, not ready', async () => {
    const lab = useLab();
    cordon(lab, 'worker-1');
    changeNode(lab, 'worker-2', (node) => ({
      ...node,
      status: { conditions: [{ type: 'Ready', status: 'False' }] },
    }));
    changeNode(lab, 'worker-3', (node) => ({
      ...node,
      spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] },
    }));
    createPod(lab.store, 'lost');
    await lab.settle();
    expect(scheduledOf(lab, 'lost')?.message).toBe(
      `0/4 nodes are available: 1 node(s) were unschedulable, 3 node(s) had untolerated taint(s)${helpless}`,
    );
  });

  test('spread', async () => {
    const lab = useLab();
    const hard = constraint({ whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: {} } });
    for (const node of ['worker-1', 'worker-2']) {
      createPod(lab.store, `on-${node}`, { nodeName: node });
      cordon(lab, node);
    }
    cordon(lab, 'worker-3');
    createPod(lab.store, 'lost', { topologySpreadConstraints: [{ ...hard, nodeTaintsPolicy: 'Ignore' }] });
    await lab.settle();
    expect(scheduledOf(lab, 'lost')?.message).toMatch(/3 node\(s\) were unschedulable/);
    // The tainted one counts as a domain with no pod, so that the others are one too many.
    cordon(lab, 'worker-1', false);
    cordon(lab, 'worker-2', false);
    await lab.settle();
    expect(scheduledOf(lab, 'lost')?.message).toBe(
      "0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints. no new claims to deallocate, preemption: 0/4 nodes are available: 2 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
    );
  });

  test('no nodes', async () => {
    const lab = useLab({ nodes: 0 });
    lab.store.remove('nodes', '', 'control-plane');
    createPod(lab.store, 'lost');
    await lab.settle();
    expect(scheduledOf(lab, 'lost')?.message).toBe('no nodes available to schedule pods');
  });
});

describe('tries again', () => {
  test('when a node is uncordoned', async () => {
    const lab = useLab({ nodes: 1 });
    cordon(lab, 'worker-1');
    createPod(lab.store, 'waits');
    await lab.settle();
    expect(nodeOf(lab, 'waits')).toBeUndefined();
    cordon(lab, 'worker-1', false);
    await lab.settle();
    expect(nodeOf(lab, 'waits')).toBe('worker-1');
    expect(scheduledOf(lab, 'waits')).toEqual({
      type: 'PodScheduled',
      status: 'True',
      lastTransitionTime: expect.any(String),
    });
  });

  test('when it asks for less itself', async () => {
    const lab = useLab({ nodes: 0 });
    createPod(lab.store, 'humble');
    await lab.settle();
    expect(nodeOf(lab, 'humble')).toBeUndefined();
    lab.store.update('pods', NAMESPACE, 'humble', (pod) => ({
      ...pod,
      spec: { containers: [], ...pod.spec, tolerations: [{ operator: 'Exists' }] },
    }));
    await lab.settle();
    expect(nodeOf(lab, 'humble')).toBe('control-plane');
  });

  test('when another pod goes', async () => {
    const lab = useLab({ nodes: 1 });
    changeNode(lab, 'worker-1', (node) => ({ ...node, status: { allocatable: { pods: '1' } } }));
    createPod(lab.store, 'first');
    createPod(lab.store, 'second');
    await lab.settle();
    expect(nodeOf(lab, 'first')).toBe('worker-1');
    expect(nodeOf(lab, 'second')).toBeUndefined();
    expect(scheduledOf(lab, 'second')?.message).toBe(
      '0/2 nodes are available: 1 Too many pods, 1 node(s) had untolerated taint(s). no new claims to deallocate, ' +
        'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
    );
    lab.store.remove('pods', NAMESPACE, 'first');
    await lab.settle();
    expect(nodeOf(lab, 'second')).toBe('worker-1');
  });
});

test('a toleration lets a pod onto the control plane', async () => {
  const lab = useLab({ nodes: 0 });
  createPod(lab.store, 'agent', {
    tolerations: [{ key: TAINT.key, operator: 'Exists', effect: 'NoSchedule' }],
  });
  createPod(lab.store, 'other', { tolerations: [{ key: TAINT.key, value: 'x' }] });
  await lab.settle();
  expect(nodeOf(lab, 'agent')).toBe('control-plane');
  expect(nodeOf(lab, 'other')).toBeUndefined();
});

describe('spreading', () => {
  test('without constraints: the pods of one owner, whatever else there is', async () => {
    const lab = useLab();
    for (let index = 0; index < 6; index += 1)
      createPod(lab.store, `other-${index}`, { nodeName: 'worker-1' });
    createDeployment(lab.store, 'web', { replicas: 7 });
    await lab.settle();
    expect(spreadOf(lab, 'web')).toEqual([2, 2, 3]);
  });

  test('pods of nobody go where there are the fewest', async () => {
    const lab = useLab();
    for (let index = 0; index < 7; index += 1) createPod(lab.store, `pod-${index}`);
    await lab.settle();
    expect(spreadOf(lab)).toEqual([2, 2, 3]);
  });

  test('by a constraint, two deployments together', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 4, template: withSpread(constraint()) });
    await lab.settle();
    createDeployment(lab.store, 'more', {
      replicas: 2,
      selector: { matchLabels: { app: 'web', arm: 'two' } },
      template: { ...withSpread(constraint()), metadata: { labels: { app: 'web', arm: 'two' } } },
    });
    await lab.settle();
    expect(spreadOf(lab)).toEqual([2, 2, 2]);
  });

  test('by matchLabelKeys, each arm for itself', async () => {
    const lab = useLab();
    for (const name of ['other-1', 'other-2', 'other-3'])
      createPod(lab.store, name, { nodeName: 'worker-1' }, { app: 'web', arm: 'one' });
    const topologySpreadConstraints = [constraint({ matchLabelKeys: ['arm'] })];
    for (const name of ['a', 'b', 'c'])
      createPod(lab.store, name, { topologySpreadConstraints }, { app: 'web', arm: 'two' });
    await lab.settle();
    expect(new Set(['a', 'b', 'c'].map((name) => nodeOf(lab, name))).size).toBe(3);
  });

  test('over zones first, when it says so', async () => {
    const lab = useLab();
    const template = withSpread(constraint({ topologyKey: 'topology.kubernetes.io/zone' }));
    createDeployment(lab.store, 'web', { replicas: 6, template });
    await lab.settle();
    expect(podsOf(lab).filter(({ spec }) => spec?.nodeName === 'worker-3')).toHaveLength(3);
    expect(spreadOf(lab)).toEqual([1, 2, 3]);
  });

  test('pods that are going do not count', async () => {
    const lab = useLab({ nodes: 2 });
    createDeployment(lab.store, 'web', { replicas: 2, template: withSpread(constraint()) });
    await runToEnd(lab);
    const [gone] = podsOf(lab);
    lab.store.update('pods', NAMESPACE, gone?.metadata.name ?? '', (before) => ({
      ...before,
      metadata: {
        ...before.metadata,
        deletionTimestamp: '2026-01-01T00:00:00Z',
        deletionGracePeriodSeconds: 1,
      },
    }));
    await lab.settle();
    const added = podsOf(lab).find(({ status }) => !status?.podIP);
    expect(added?.spec?.nodeName).toBe(gone?.spec?.nodeName);
  });

  test('pods that are going do not count for a constraint', async () => {
    const lab = useLab({ nodes: 2 });
    createPod(lab.store, 'going', { nodeName: 'worker-1' }, { app: 'web' });
    createPod(lab.store, 'stays', { nodeName: 'worker-2' }, { app: 'web' });
    for (const name of ['x', 'y']) createPod(lab.store, name, { nodeName: 'worker-1' });
    deletePod(lab.store, NAMESPACE, 'going');
    createPod(lab.store, 'new', { topologySpreadConstraints: [constraint()] }, { app: 'web' });
    await lab.settle();
    expect(nodeOf(lab, 'new')).toBe('worker-1');
  });

  test('strictly, over the nodes whose taints it tolerates', async () => {
    const lab = useLab();
    const hard = constraint({ whenUnsatisfiable: 'DoNotSchedule', nodeTaintsPolicy: 'Honor' });
    createDeployment(lab.store, 'web', { replicas: 6, template: withSpread(hard) });
    await lab.settle();
    expect(spreadOf(lab)).toEqual([2, 2, 2]);
  });

  test('a cordoned node gets none, and keeps what it has', async () => {
    const lab = useLab();
    createDeployment(lab.store, 'web', { replicas: 3, template: withSpread(constraint()) });
    await runToEnd(lab);
    cordon(lab, 'worker-1');
    lab.store.update('deployments', NAMESPACE, 'web', (before) => ({
      ...before,
      ...(before.spec ? { spec: { ...before.spec, replicas: 7 } } : {}),
    }));
    await runToEnd(lab);
    expect(spreadOf(lab)).toEqual([1, 3, 3]);
  });
});

test('scaling in keeps the spread', async () => {
  const lab = useLab();
  createDeployment(lab.store, 'web', { replicas: 3 });
  // Chance alone would get it right now and then.
  for (let round = 0; round < 8; round += 1) {
    for (const replicas of [4, 3]) {
      changeDeployment(lab.store, 'web', { replicas });
      await runToEnd(lab);
    }
    expect(spreadOf(lab)).toEqual([1, 1, 1]);
  }
});

test('does not write again what it has said', async () => {
  const lab = useLab({ nodes: 1 });
  createPod(lab.store, 'lost', { nodeSelector: { disk: 'fast' } });
  createPod(lab.store, 'runs');
  await lab.settle();
  const { resourceVersion } = lab.store.get('pods', NAMESPACE, 'lost')?.metadata ?? {};
  setReady(lab, 'runs');
  await lab.settle();
  expect(lab.store.get('pods', NAMESPACE, 'lost')?.metadata.resourceVersion).toBe(resourceVersion);
  const events = lab.store.list('events').filter(({ involvedObject }) => involvedObject.name === 'lost');
  expect(events).toMatchObject([{ count: 1 }]);
});
