// The DNS server is broken by an object, as CoreDNS can be by its own: it has no other handle from outside.
import type { Change, Store } from '../store.ts';
import type { Dns, DnsFault } from './dns.ts';

/** The ConfigMap. While it is there, `failure` in its data (`slow` with `delayMs`) is what ails DNS. */
export const DNS_FAULT = { namespace: 'kube-system', name: 'dns-fault' };

/** @returns what ends it. */
export function followDnsFault(
  store: Store,
  dns: Pick<Dns, 'setFault'>,
  log: (text: string) => void,
): () => void {
  const onChange = ({ type, resource, object }: Change) => {
    const { namespace, name } = object.metadata;
    if (resource !== 'configmaps' || namespace !== DNS_FAULT.namespace || name !== DNS_FAULT.name) return;
    const data = 'data' in object ? (object.data as Record<string, string>) : {};
    const fault = type === 'DELETED' ? undefined : faultOf(data);
    if (type !== 'DELETED' && fault === undefined)
      log(`dns: ${namespace}/${name} says ${JSON.stringify(data)}, which is no failure`);
    dns.setFault(fault).catch((error: unknown) => log(`dns: ${String(error)}`));
  };
  return store.listen(onChange);
}

function faultOf({ failure, delayMs }: Record<string, string>): DnsFault | undefined {
  switch (failure) {
    case 'down':
      return { kind: 'down' };
    case 'SERVFAIL':
      return { kind: 'servfail' };
    case 'NXDOMAIN':
      return { kind: 'nxdomain' };
    case 'slow':
      return Number(delayMs) > 0 ? { kind: 'slow', ms: Number(delayMs) } : undefined;
    default:
      return undefined;
  }
}
