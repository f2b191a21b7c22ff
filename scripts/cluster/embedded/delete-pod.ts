// A pod's end is asked for here and carried out by its kubelet, which removes it when its processes are gone.
import { hasEnded, type Pod } from './objects.ts';
import { type Store, wireTime } from './store.ts';

const DEFAULT_GRACE_SECONDS = 30;

/**
 * Asks for a pod's end: `deletionTimestamp` (now and the grace) and `deletionGracePeriodSeconds`. One that no node has
 * yet is removed at once. Asked again, the grace can only get shorter. 0: its kubelet kills it at once.
 *
 * @param graceSeconds the pod's own terminationGracePeriodSeconds unless given.
 * @returns the pod as it is now, undefined when it is gone.
 */
export function deletePod(
  store: Store,
  namespace: string,
  name: string,
  graceSeconds?: number,
): Pod | undefined {
  const pod = store.get('pods', namespace, name);
  if (!pod) return undefined;
  const assigned = Boolean(pod.spec?.nodeName);
  if (!assigned && !pod.metadata.finalizers?.length) {
    store.remove('pods', namespace, name);
    return undefined;
  }
  const asked = graceSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  const grace = !assigned || hasEnded(pod) ? 0 : Math.max(asked, 0);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  if (deletionTimestamp && grace >= deletionGracePeriodSeconds) return pod;
  const startMs = deletionTimestamp
    ? Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000
    : Date.now();
  return store.update('pods', namespace, name, (before) => ({
    ...before,
    metadata: {
      ...before.metadata,
      deletionTimestamp: wireTime(new Date(startMs + grace * 1000)),
      deletionGracePeriodSeconds: grace,
    },
  }));
}
