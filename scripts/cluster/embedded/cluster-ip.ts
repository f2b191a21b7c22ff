// The virtual addresses of Services: who has which, and what cannot be had on one.
import { invalid } from './errors.ts';
import type { Addresses } from './network/addresses.ts';
import type { NewObject, Service } from './objects.ts';
import { resources } from './resources.ts';

export const HEADLESS = 'None';

/**
 * A Service with an address: the one that it asks for, or a free one. A headless one stays without.
 *
 * @throws ApiError 422 when the address that it asks for is outside the range, or taken.
 */
export function withClusterIp<T extends NewObject<Service>>(service: T, addresses: Addresses): T {
  const { spec } = service;
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

/** A replacement that says nothing of addresses keeps those that there are. */
export function withKeptClusterIp<T extends Pick<Service, 'spec'>>(service: T, { spec: before }: Service): T {
  const { clusterIP, clusterIPs, ipFamilies } = service.spec ?? {};
  if (clusterIP || !before?.clusterIP) return service;
  const kept = {
    clusterIP: before.clusterIP,
    ...(clusterIPs?.length ? {} : { clusterIPs: before.clusterIPs ?? [before.clusterIP] }),
    ...(ipFamilies?.length || !before.ipFamilies ? {} : { ipFamilies: before.ipFamilies }),
  };
  return { ...service, spec: { ...service.spec, ...kept } };
}

/** Ports that only root may listen on: the proxy leaves them refused. */
export const unservablePorts = ({ spec }: Service): number[] =>
  spec?.clusterIP === HEADLESS
    ? []
    : (spec?.ports ?? []).map(({ port }) => port).filter((port) => port >= 1 && port < 1024);
