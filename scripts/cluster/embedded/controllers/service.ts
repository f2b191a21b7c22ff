// Gives Services their virtual addresses, and takes them back.
import { invalid } from '../errors.ts';
import type { Addresses } from '../network/addresses.ts';
import type { NewObject, Service } from '../objects.ts';
import { resources } from '../resources.ts';
import type { Store } from '../store.ts';
import { keyOf, splitKey } from './objects.ts';
import { createQueue, type Log, type Running } from './queue.ts';

const HEADLESS = 'None';

/**
 * A Service with an address: the one that it asks for, or a free one. A headless one stays without.
 *
 * @throws ApiError 422 when the address that it asks for is outside the range, or taken.
 */
export function withClusterIp<T extends NewObject<Service>>(service: T, addresses: Addresses): T {
  const { spec } = service;
  if (spec?.type === 'ExternalName') return service;
  const asked = spec?.clusterIP || spec?.clusterIPs?.[0];
  if (asked && asked !== HEADLESS && !addresses.claimService(asked)) {
    const why = asked.startsWith(`127.${addresses.block}.24`)
      ? 'provided IP is already allocated'
      : 'the provided network does not match the current range';
    throw invalid(resources.services, service.metadata.name, [
      {
        field: 'spec.clusterIPs',
        message: `Invalid value: ["${asked}"]: failed to allocate IP ${asked}: ${why}`,
      },
    ]);
  }
  const clusterIP = asked || addresses.allocateService();
  return { ...service, spec: { ...spec, clusterIP, clusterIPs: [clusterIP] } };
}

export function startServiceController(store: Store, log: Log, addresses: Addresses): Running {
  const queue = createQueue('service', sync, log);

  /** One that came without, past the API. */
  function sync(key: string): void {
    const service = store.get('services', ...splitKey(key));
    if (!service || service.spec?.clusterIP || service.spec?.type === 'ExternalName') return;
    store.update('services', ...splitKey(key), (before) => withClusterIp(before, addresses));
  }

  const unlisten = store.listen(({ type, resource, object }) => {
    if (resource !== 'services') return;
    const { clusterIP } = (object as Service).spec ?? {};
    if (type !== 'DELETED') queue.add(keyOf(object));
    else if (clusterIP && clusterIP !== HEADLESS) addresses.releaseService(clusterIP);
  });
  for (const service of store.list('services')) {
    const { clusterIP } = service.spec ?? {};
    if (clusterIP && clusterIP !== HEADLESS) addresses.claimService(clusterIP);
    queue.add(keyOf(service));
  }

  return {
    stop(): void {
      unlisten();
      queue.stop();
    },
  };
}
