// The cluster's DNS broken and mended, be it CoreDNS or the embedded cluster's own server.
import { LabError } from '../common/errors.ts';
import { type ClusterApi, statusOf } from './api.ts';
import { breakCoreDns, hasCoreDns, mendCoreDns } from './core-dns.ts';
import { DNS_FAULT } from './embedded/network/dns-fault.ts';

/** `down`: nothing answers. `SERVFAIL`, `NXDOMAIN`: that is the answer, whatever is asked. `slow`: answers take long. */
export const DNS_FAILURES = ['down', 'SERVFAIL', 'NXDOMAIN', 'slow'] as const;
export type DnsFailure =
  | { failure: 'down' | 'SERVFAIL' | 'NXDOMAIN' }
  | {
      failure: 'slow';
      /** Of each answer. */
      delayMs: number;
    };

/**
 * Breaks DNS for all of the cluster, until `mendDns`: what is needed for that is kept in the cluster. Returns when it is
 * broken; the embedded server takes a moment more.
 *
 * @throws LabError `usage` where DNS is to be slow and is CoreDNS, which has no plugin that delays; `prerequisite` when
 * its Corefile is not as kubeadm writes it.
 */
export async function breakDns(api: ClusterApi, broken: DnsFailure): Promise<void> {
  if (await hasCoreDns(api)) {
    if (broken.failure === 'slow')
      throw new LabError('usage', 'CoreDNS cannot be made slow', {
        hint: 'Use embedded: --provider embedded',
      });
    return breakCoreDns(api, broken.failure);
  }
  await mendDns(api);
  const data = Object.fromEntries(Object.entries(broken).map(([key, value]) => [key, String(value)]));
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: DNS_FAULT.name }, data };
  await api.core.createNamespacedConfigMap({ namespace: DNS_FAULT.namespace, body });
}

/**
 * Makes it what it was before `breakDns`, whoever called that. Returns when it answers again; the embedded server takes a
 * moment more.
 *
 * @returns whether it was broken.
 */
export async function mendDns(api: ClusterApi): Promise<boolean> {
  if (await hasCoreDns(api)) return mendCoreDns(api);
  try {
    await api.core.deleteNamespacedConfigMap(DNS_FAULT);
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}
