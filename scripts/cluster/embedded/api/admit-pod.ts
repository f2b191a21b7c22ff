// What the API server makes of a pod that is to be created, whoever asks: a person, or a ReplicaSet.
import type { NewObject, Pod } from '../objects.ts';
import { resources } from '../resources.ts';
import { withDefaults } from './defaults.ts';

type Quantities = Record<string, string> | undefined;

/** With the defaults of its fields, and the status that it begins with. */
export function admitPod(pod: NewObject<Pod>): NewObject<Pod> {
  const complete = withDefaults(resources.pods, pod);
  return { ...complete, status: { phase: 'Pending', qosClass: qosClassOf(complete) } };
}

/** Source: Kubernetes, "Pod Quality of Service Classes". Nothing is limited by it here. */
function qosClassOf({ spec }: NewObject<Pod>): string {
  const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(
    (container) => container.resources,
  );
  const named = all.flatMap((each) => [
    ...Object.keys((each?.requests as Quantities) ?? {}),
    ...Object.keys((each?.limits as Quantities) ?? {}),
  ]);
  if (named.length === 0) return 'BestEffort';
  const guaranteed = all.every((each) => {
    const limits: Quantities = each?.limits as Quantities;
    const requests: Quantities = (each?.requests as Quantities) ?? limits;
    return ['cpu', 'memory'].every(
      (name) => limits?.[name] !== undefined && requests?.[name] === limits[name],
    );
  });
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
