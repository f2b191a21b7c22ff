// What the API server makes of a pod that is to be created, whoever asks: a person, or a ReplicaSet.
import { forbidden } from '../errors.ts';
import type { NewObject, Pod } from '../objects.ts';
import { resources } from '../resources.ts';
import type { Store } from '../store.ts';
import { withDefaults } from './defaults.ts';

type Quantities = Record<string, string> | undefined;

/**
 * With the defaults of its fields, and the status that it begins with.
 *
 * @throws ApiError 403 when there is no such service account.
 */
export function admitPod(store: Store, pod: NewObject<Pod>): NewObject<Pod> {
  const complete = withDefaults(resources.pods, pod);
  refuseUnknownAccount(store, complete);
  return { ...complete, status: { phase: 'Pending', qosClass: qosClassOf(complete) } };
}

function refuseUnknownAccount(store: Store, { metadata, spec }: NewObject<Pod>): void {
  const { name, generateName, namespace = '' } = metadata;
  const account = spec?.serviceAccountName ?? 'default';
  // Every namespace has that one, or is about to: Kubernetes waits for it.
  if (account === 'default' || store.get('serviceaccounts', namespace, account)) return;
  throw forbidden(
    `pods "${generateName ?? name}" is forbidden: error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`,
  );
}

/** By cpu and memory alone. Source: Kubernetes, "Pod Quality of Service Classes". Nothing is limited by it here. */
function qosClassOf({ spec }: NewObject<Pod>): string {
  const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ resources: asked }) => {
    const limits = asked?.limits as Quantities;
    // What is limited and not asked for is asked for as far as it is limited.
    return { limits, requests: { ...limits, ...(asked?.requests as Quantities) } };
  });
  const counted = ['cpu', 'memory'];
  if (!all.some(({ requests }) => counted.some((name) => requests[name] !== undefined))) return 'BestEffort';
  const isGuaranteed = all.every(({ limits, requests }) =>
    counted.every((name) => limits?.[name] !== undefined && requests[name] === limits[name]),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}
