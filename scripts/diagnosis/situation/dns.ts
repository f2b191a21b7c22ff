// What serves the cluster's DNS.
import type { Facts } from '../facts.ts';
import type { Workload } from './pods.ts';
import { hasReady, type ServiceView } from './services.ts';

export type Dns = {
  service: ServiceView | undefined;
  workload: Workload | undefined;
  /** Undefined where it was not seen. */
  hasReady: boolean | undefined;
  /** CoreDNS' configuration, where it was seen. */
  corefile: { where: string; text: string } | undefined;
};

const DNS_PORT = 53;

export function dnsOf(
  { objects }: Facts,
  services: readonly ServiceView[],
  workloads: readonly Workload[],
): Dns {
  const candidates = services.filter(({ ports }) => ports.some(({ port }) => port === DNS_PORT));
  // The name that every installation keeps for what was there before CoreDNS.
  const service =
    candidates.find(({ name, namespace }) => name === 'kube-dns' && namespace === 'kube-system') ??
    candidates.find(({ namespace }) => namespace === 'kube-system');
  const workload =
    service?.workloads[0] ??
    workloads.find(({ name, namespace }) => namespace === 'kube-system' && /dns/.test(name));
  const map = objects.configMaps.find(({ data }) => data?.Corefile !== undefined);
  return {
    service,
    workload,
    hasReady: service && (service.hasSlices || service.pods.length > 0) ? hasReady(service) : undefined,
    corefile: map?.data?.Corefile
      ? {
          where: `ConfigMap ${map.metadata?.namespace}/${map.metadata?.name} Corefile`,
          text: map.data.Corefile,
        }
      : undefined,
  };
}
