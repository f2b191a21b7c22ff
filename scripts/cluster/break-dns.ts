// The cluster's DNS broken and mended, be it CoreDNS or the embedded cluster's own server.
import { type ClusterApi, statusOf } from './api.ts';
import { breakCoreDns, hasCoreDns, mendCoreDns } from './core-dns.ts';
import type { DnsFailure } from './dns-failure.ts';
import { DNS_FAULT } from './embedded/network/dns-fault.ts';

/**
 * Breaks DNS for all of the cluster, until `mendDns`: what is needed for that is kept in the cluster. Returns when it is
 * broken; the embedded server takes a moment more.
 *
 * @throws LabError `prerequisite` where DNS is CoreDNS, and its Corefile is not as kubeadm writes it or, for `slow`, the
 * lab's own greeter-server is not as in manifests/.
 */
export async function breakDns(api: ClusterApi, broken: DnsFailure): Promise<void> {
  if (await hasCoreDns(api)) return breakCoreDns(api, broken);
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
