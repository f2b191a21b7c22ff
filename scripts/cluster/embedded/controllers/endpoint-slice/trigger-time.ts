// Since when the slices could have known better: the time that Kubernetes puts on them when they change.
import type { Pod, Service } from '../../objects.ts';
import { keyOf } from '../objects.ts';
import { readyCondition } from '../pods.ts';

type Seen = { service: string; pods: Map<string, string> };

export function createTriggerTimes() {
  const services = new Map<string, Seen>();
  return {
    /** @returns the first of the changes since it was asked last; undefined when none is known of. */
    next(service: Service, pods: readonly Pod[]): string | undefined {
      const before = services.get(keyOf(service));
      const now: Seen = { service: service.metadata.creationTimestamp, pods: new Map() };
      const changed = now.service > (before?.service ?? '') ? [now.service] : [];
      for (const pod of pods) {
        const atTime = readyCondition(pod)?.lastTransitionTime;
        if (!atTime) continue;
        now.pods.set(keyOf(pod), atTime);
        if (atTime > (before?.pods.get(keyOf(pod)) ?? '')) changed.push(atTime);
      }
      services.set(keyOf(service), now);
      return changed.sort()[0];
    },
    forget: (key: string): boolean => services.delete(key),
  };
}
