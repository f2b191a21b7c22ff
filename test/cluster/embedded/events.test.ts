import { expect, it } from 'vitest';
import { createRecorder } from '../../../scripts/cluster/embedded/events.ts';
import type { Pod } from '../../../scripts/cluster/embedded/objects.ts';
import { createStore } from '../../../scripts/cluster/embedded/store.ts';

function setUp() {
  const store = createStore();
  store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } });
  const pod = store.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod', namespace: 'ns' },
    spec: { containers: [], nodeName: 'worker' },
  });
  return {
    store,
    pod,
    record: createRecorder(store, 'kubelet', (about) => (about as Pod).spec?.nodeName ?? ''),
  };
}

it('counts what happens again, and keeps apart what is said of another part', () => {
  const { store, pod, record } = setUp();
  for (const _ of [1, 2]) record(pod, 'Warning', 'Failed', 'no', 'spec.containers{a}');
  record(pod, 'Warning', 'Failed', 'no', 'spec.containers{b}');
  const events = store.list('events', 'ns').sort((a, b) => (b.count ?? 0) - (a.count ?? 0));
  expect(events.map(({ count, involvedObject }) => [count, involvedObject.fieldPath])).toEqual([
    [2, 'spec.containers{a}'],
    [1, 'spec.containers{b}'],
  ]);
  expect(events[0]).toMatchObject({
    involvedObject: { kind: 'Pod', name: 'pod', namespace: 'ns', uid: pod.metadata.uid },
    source: { component: 'kubelet', host: 'worker' },
    reportingInstance: 'worker',
  });
});

it('says no more than an event holds', () => {
  const { store, pod, record } = setUp();
  record(pod, 'Normal', 'Long', 'x'.repeat(5000));
  expect(store.list('events', 'ns')[0]?.message).toHaveLength(1024);
});

it('says nothing in a namespace that ends, or has ended', () => {
  const { store, pod, record } = setUp();
  store.update('namespaces', '', 'ns', (before) => ({
    ...before,
    metadata: { ...before.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
  }));
  record(pod, 'Normal', 'Ending', 'x');
  store.remove('namespaces', '', 'ns');
  record(pod, 'Normal', 'Ended', 'x');
  expect(store.list('events')).toEqual([]);
});
