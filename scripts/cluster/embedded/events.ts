// Events: what happened to an object, for people to read. The same one again is counted, not kept twice.
import { createHash } from 'node:crypto';
import type { KubeObject } from './objects.ts';
import { type Store, wireTime } from './store.ts';

/** @param fieldPath such as `spec.containers{greeter-server}`; none for the object as a whole. */
export type Recorder = (
  about: KubeObject,
  type: 'Normal' | 'Warning',
  reason: string,
  text: string,
  fieldPath?: string,
) => void;

const MOST_TEXT = 1024;

/**
 * @param component who says it, such as `deployment-controller`.
 * @param hostOf where it says it: a kubelet is on its pod's node.
 */
export function createRecorder(
  store: Store,
  component: string,
  hostOf: (about: KubeObject) => string = () => '',
): Recorder {
  return (about, type, reason, text, fieldPath) => {
    const { name, uid, resourceVersion } = about.metadata;
    const namespace = about.metadata.namespace || 'default';
    // In one that ends, or has ended, it would stay for ever.
    const home = store.get('namespaces', '', namespace);
    if (!home || home.metadata.deletionTimestamp) return;
    const message = text.slice(0, MOST_TEXT);
    const same = JSON.stringify([component, uid, fieldPath, type, reason, message]);
    const event = `${name}.${createHash('sha256').update(same).digest('hex').slice(0, 16)}`;
    const now = wireTime(new Date());
    if (store.get('events', namespace, event)) {
      store.update('events', namespace, event, (before) => ({
        ...before,
        count: (before.count ?? 1) + 1,
        lastTimestamp: now,
      }));
      return;
    }
    const host = hostOf(about);
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
        ...(fieldPath ? { fieldPath } : {}),
      },
      reason,
      message,
      source: { component, ...(host ? { host } : {}) },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: component,
      reportingInstance: host,
    });
  };
}
