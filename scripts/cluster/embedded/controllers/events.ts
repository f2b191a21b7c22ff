// Events: what happened to an object, for people to read. The same one again is counted, not kept twice.
import { createHash } from 'node:crypto';
import type { KubeObject } from '../objects.ts';
import { type Store, wireTime } from '../store.ts';

export type Record = (about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string) => void;

/** @param component who says it, such as `deployment-controller`. */
export function createRecorder(store: Store, component: string): Record {
  return (about, type, reason, message) => {
    const { name, uid, resourceVersion } = about.metadata;
    const namespace = about.metadata.namespace || 'default';
    const home = store.get('namespaces', '', namespace);
    if (!home || home.metadata.deletionTimestamp) return;
    const digest = createHash('sha256').update(JSON.stringify([component, uid, type, reason, message]));
    const event = `${name}.${digest.digest('hex').slice(0, 16)}`;
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
        kind: about.kind,
        namespace: about.metadata.namespace ?? '',
        name,
        uid,
        apiVersion: about.apiVersion,
        resourceVersion,
      },
      reason,
      message,
      source: { component },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: component,
      reportingInstance: '',
    });
  };
}
