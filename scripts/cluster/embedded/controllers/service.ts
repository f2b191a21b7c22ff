// Gives Services their virtual addresses, and takes them back.
import { HEADLESS, withClusterIp } from '../cluster-ip.ts';
import type { Addresses } from '../network/addresses.ts';
import type { Service } from '../objects.ts';
import type { Store } from '../store.ts';
import { keyOf, splitKey } from './objects.ts';
import { createQueue, type Log, type Running } from './queue.ts';

export function startServiceController(store: Store, log: Log, addresses: Addresses): Running {
  const queue = createQueue('service', sync, log);

  /** One that came without, past the API. */
  function sync(key: string): void {
    const service = store.get('services', ...splitKey(key));
    if (!service || service.spec?.clusterIP) return;
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
