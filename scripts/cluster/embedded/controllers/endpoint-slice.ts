// Keeps the EndpointSlices of each Service that has a selector: the addresses that DNS answers and proxies dial.
import { isDeepStrictEqual } from 'node:util';
import { matchesSelector } from '../label-selector.ts';
import { randomSuffix } from '../names.ts';
import type { EndpointSlice, Meta, Pod, Service } from '../objects.ts';
import type { Store } from '../store.ts';
import { canBeEndpoint, endpointOf, endpointsOf, portsOf } from './endpoint-slice/endpoints.ts';
import { type Draft, planSlices } from './endpoint-slice/reconcile.ts';
import { createTriggerTimes } from './endpoint-slice/trigger-time.ts';
import { controllerReference, keyOf, splitKey } from './objects.ts';
import { essenceOf } from './pods.ts';
import { createQueue, type Log, type Running } from './queue.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const ZONE = 'topology.kubernetes.io/zone';

export function startEndpointSliceController(store: Store, log: Log, maxEndpointsPerSlice: number): Running {
  const times = createTriggerTimes();
  const queue = createQueue('endpoint-slice', sync, log);

  function sync(key: string): void {
    const [namespace, name] = splitKey(key);
    const service = store.get('services', namespace, name);
    // With its owner gone they are the garbage collector's.
    if (!service) times.forget(key);
    const { selector } = service?.spec ?? {};
    if (!service || !selector || Object.keys(selector).length === 0) return;

    const pods = store
      .list('pods', namespace)
      .filter((pod) => matchesSelector({ matchLabels: selector }, pod.metadata.labels) && canBeEndpoint(pod));
    const desired = pods.map((pod) => ({
      ports: portsOf(service, pod),
      endpoint: endpointOf(service, pod, zoneOf(pod)),
    }));
    const own = store.list('endpointslices', namespace).filter((slice) => isOwn(slice, service));
    const plan = planSlices(desired, own, maxEndpointsPerSlice);
    const trigger = times.next(service, pods);
    const labels = labelsOf(service);
    const relabelled = plan.unchanged
      .filter(({ metadata }) => !isDeepStrictEqual(metadata.labels, labels))
      .map((before): Draft => ({ before, ports: before.ports ?? [], endpoints: endpointsOf(before) }));
    const drafts = [...plan.drafts, ...relabelled];
    for (const draft of drafts) if (!draft.before) create(service, draft, trigger);
    for (const draft of drafts) if (draft.before) update(service, draft.before, draft, trigger);
    for (const { metadata } of plan.remove) store.remove('endpointslices', namespace, metadata.name);
  }

  function create(service: Service, { ports, endpoints }: Draft, trigger: string | undefined): void {
    const { name, namespace = '' } = service.metadata;
    store.create('endpointslices', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${name}-${randomSuffix()}`,
        generateName: `${name}-`,
        namespace,
        labels: labelsOf(service),
        ...(trigger ? { annotations: { [TRIGGER_TIME]: trigger } } : {}),
        ownerReferences: [controllerReference(service)],
      },
      addressType: 'IPv4',
      endpoints,
      ports,
    });
  }

  function update(
    service: Service,
    { metadata }: EndpointSlice,
    { ports, endpoints }: Draft,
    trigger: string | undefined,
  ): void {
    store.update('endpointslices', metadata.namespace ?? '', metadata.name, (before) => ({
      ...before,
      metadata: { ...withTrigger(before.metadata, trigger), labels: labelsOf(service) },
      endpoints,
      ports,
    }));
  }

  const zoneOf = ({ spec }: Pod): string | undefined =>
    store.get('nodes', '', spec?.nodeName ?? '')?.metadata.labels?.[ZONE];

  const unlisten = store.listen(({ type, resource, object, before }) => {
    const { namespace = '', labels } = object.metadata;
    if (resource === 'services') queue.add(keyOf(object));
    const service = labels?.[SERVICE_NAME];
    if (resource === 'endpointslices' && service) queue.add(`${namespace}/${service}`);
    if (resource !== 'pods') return;
    if (type === 'MODIFIED' && before && essenceOf(object as Pod) === essenceOf(before as Pod)) return;
    for (const candidate of store.list('services', namespace)) {
      const { selector } = candidate.spec ?? {};
      if (!selector) continue;
      const isConcerned = [labels, before?.metadata.labels].some((of) =>
        matchesSelector({ matchLabels: selector }, of),
      );
      if (isConcerned) queue.add(keyOf(candidate));
    }
  });
  for (const service of store.list('services')) queue.add(keyOf(service));

  return {
    stop(): void {
      unlisten();
      queue.stop();
    },
  };
}

const isOwn = ({ metadata }: EndpointSlice, service: Service): boolean =>
  metadata.labels?.[MANAGED_BY] === MANAGER &&
  (metadata.ownerReferences?.some(({ uid }) => uid === service.metadata.uid) ?? false);

/** The Service's own, and those by which its slices are found. */
function labelsOf({ metadata, spec }: Service): Record<string, string> {
  const { [HEADLESS]: _, ...labels } = metadata.labels ?? {};
  return {
    ...labels,
    [SERVICE_NAME]: metadata.name,
    [MANAGED_BY]: MANAGER,
    ...(spec?.clusterIP === 'None' ? { [HEADLESS]: '' } : {}),
  };
}

function withTrigger({ annotations, ...metadata }: Meta, trigger: string | undefined): Meta {
  const { [TRIGGER_TIME]: _, ...others } = annotations ?? {};
  const all = { ...others, ...(trigger ? { [TRIGGER_TIME]: trigger } : {}) };
  return Object.keys(all).length > 0 ? { ...metadata, annotations: all } : metadata;
}
