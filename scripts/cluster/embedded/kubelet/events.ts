// Events about pods. The same one again is counted, not kept twice.
import { createHash } from 'node:crypto';
import type { Pod } from '../objects.ts';
import { type Store, wireTime } from '../store.ts';

export type Events = ReturnType<typeof createPodEvents>;

const MOST_TEXT = 1024;

/** @param fieldPath such as `spec.containers{greeter-server}`; none for the pod as a whole. */
export function createPodEvents(store: Store) {
  return (pod: Pod, type: 'Normal' | 'Warning', reason: string, text: string, fieldPath?: string): void => {
    const { name, uid, resourceVersion, namespace = '' } = pod.metadata;
    const home = store.get('namespaces', '', namespace);
    if (home?.metadata.deletionTimestamp) return;
    const message = text.slice(0, MOST_TEXT);
    const same = createHash('sha256').update(JSON.stringify([uid, fieldPath, type, reason, message]));
    const event = `${name}.${same.digest('hex').slice(0, 16)}`;
    const now = wireTime(new Date());
    if (store.get('events', namespace, event)) {
      store.update('events', namespace, event, (before) => ({
        ...before,
        count: (before.count ?? 1) + 1,
        lastTimestamp: now,
      }));
      return;
    }
    store.create('events', {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: event, namespace },
      involvedObject: {
        kind: 'Pod',
        namespace,
        name,
        uid,
        apiVersion: 'v1',
        resourceVersion,
        ...(fieldPath ? { fieldPath } : {}),
      },
      reason,
      message,
      source: { component: 'kubelet', host: pod.spec?.nodeName ?? '' },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: 'kubelet',
      reportingInstance: pod.spec?.nodeName ?? '',
    });
  };
}
