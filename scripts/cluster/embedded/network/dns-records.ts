// What a name stands for, computed from the store at each question: Kubernetes' DNS specification 1.1.0 as CoreDNS'
// kubernetes plugin answers it in a cluster of kubeadm (ttl 30, pods insecure, the zone not cached). There is no
// upstream: names outside of cluster.local do not exist.
import { isIPv4 } from 'node:net';
import type { Answer } from 'dns-packet';
import type { EndpointSlice, Service } from '../objects.ts';
import type { Store } from '../store.ts';
import { SERVICE_NAME, slicesOf } from './endpoints.ts';

export type DnsAnswer = {
  rcode: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL';
  answers: Answer[];
  authority: Answer[];
  /** The addresses of SRV records' targets. */
  additional: Answer[];
};

/** An address behind a name, with what an SRV record says of it; without a port there is none. */
type Found = { address: string; port?: number | undefined; target: string };

const ZONE = 'cluster.local';
const TTL = 30;
/** Of the schema's version, which does not change. */
const VERSION_TTL = 28_800;

/** @param type as dns-packet writes it: `A`, `SRV`, `UNKNOWN_65` … */
export function answer(store: Store, name: string, type: string): DnsAnswer {
  const asked = name.toLowerCase();
  if (asked !== ZONE && !asked.endsWith(`.${ZONE}`)) return outside(store, name, type);
  const labels = asked === ZONE ? [] : asked.slice(0, -ZONE.length - 1).split('.');
  const found = find(store, labels);

  switch (type) {
    case 'A':
      return reply(store, found, addressRecords(name, found));
    case 'SRV':
      return reply(store, found, serviceRecords(name, found), targetRecords(found));
    case 'SOA':
      return reply(store, found, labels.length === 0 ? [soa(store)] : []);
    case 'TXT':
      // CoreDNS does not look whether a name exists that it is asked the text of.
      return reply(store, [], asked === `dns-version.${ZONE}` ? [versionRecord(name)] : []);
    default:
      return reply(store, found, []);
  }
}

function reply(
  store: Store,
  found: Found[] | undefined,
  answers: Answer[],
  additional: Answer[] = [],
): DnsAnswer {
  return {
    rcode: found ? 'NOERROR' : 'NXDOMAIN',
    answers,
    authority: answers.length > 0 ? [] : [soa(store)],
    additional,
  };
}

/** Every other zone: of addresses, those of the cluster have a name. */
function outside(store: Store, name: string, type: string): DnsAnswer {
  const names = type === 'PTR' ? namesOf(store, name.toLowerCase()) : [];
  const answers = names.map((data): Answer => ({ name, type: 'PTR', ttl: TTL, data }));
  return { rcode: names.length > 0 ? 'NOERROR' : 'NXDOMAIN', answers, authority: [], additional: [] };
}

/** @returns undefined when there is no such name; nothing when there are only names below it. */
function find(store: Store, labels: readonly string[]): Found[] | undefined {
  const [kind, namespace, name, ...rest] = labels.toReversed();
  if (kind === undefined) return [];
  if ((kind !== 'svc' && kind !== 'pod') || rest.length > 2) return undefined;
  if (namespace === undefined) return [];
  if (!store.get('namespaces', '', namespace)) return undefined;
  if (name === undefined) return [];
  if (kind === 'svc') return findService(store, namespace, name, rest);
  // Whether there is such a pod is not looked at.
  const address = name.replaceAll('-', '.');
  return isIPv4(address) ? [{ address, target: '' }] : undefined;
}

/** @param rest what stands before the Service's name, nearest first: an endpoint, or `_tcp` and `_port`. */
function findService(store: Store, namespace: string, name: string, rest: string[]): Found[] | undefined {
  const service = store.get('services', namespace, name);
  if (!service) return undefined;
  const [endpoint] = rest.length === 1 ? rest : [];
  const wanted = portFilter(rest);
  const { clusterIP, ports = [] } = service.spec ?? {};
  if (clusterIP !== 'None' && endpoint === undefined) {
    const asked = ports.filter(wanted);
    if (asked.length === 0) return undefined;
    return clusterIP ? asked.map(({ port }) => ({ address: clusterIP, port, target: nameOf(service) })) : [];
  }
  const found = slicesOf(store, service).flatMap((slice) =>
    readyIn(slice)
      .filter(({ host }) => endpoint === undefined || host.toLowerCase() === endpoint)
      .flatMap(({ address, host }) =>
        (slice.ports?.length ? slice.ports : [{}])
          .filter(wanted)
          .map(({ port }) => ({ address, port, target: `${host}.${nameOf(service)}` })),
      ),
  );
  return found.length > 0 ? found : undefined;
}

type Port = { name?: string | undefined; protocol?: string | undefined; port?: number | undefined };

function portFilter(rest: readonly string[]): (port: Port) => boolean {
  if (rest.length !== 2) return () => true;
  const [protocol, name] = rest.map((label) => label.replace(/^_/, ''));
  return (port) =>
    (port.name ?? '').toLowerCase() === name && (port.protocol ?? 'TCP').toLowerCase() === protocol;
}

/** Not ready are those alone that say so: publishNotReadyAddresses makes a slice say that all are. */
const readyIn = ({ endpoints = [] }: EndpointSlice): { address: string; host: string }[] =>
  endpoints
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses, hostname }) =>
      addresses.map((address) => ({ address, host: hostname ?? address.replaceAll('.', '-') })),
    );

const nameOf = ({ metadata }: Service): string => `${metadata.name}.${metadata.namespace}.svc.${ZONE}`;

/** The names of a Service's or an endpoint's address, given as `1.16.202.127.in-addr.arpa`. */
function namesOf(store: Store, name: string): string[] {
  const address = name
    .replace(/\.in-addr\.arpa$/, '')
    .split('.')
    .toReversed()
    .join('.');
  if (!name.endsWith('.in-addr.arpa') || !isIPv4(address)) return [];
  const service = store.list('services').find(({ spec }) => spec?.clusterIP === address);
  if (service) return [nameOf(service)];
  const names = store.list('endpointslices').flatMap((slice) => {
    const { labels, namespace } = slice.metadata;
    return readyIn(slice)
      .filter((endpoint) => endpoint.address === address)
      .map(({ host }) => `${host}.${labels?.[SERVICE_NAME]}.${namespace}.svc.${ZONE}`);
  });
  return [...new Set(names)];
}

const addressRecords = (name: string, found: readonly Found[] = []): Answer[] =>
  [...new Set(found.map(({ address }) => address))].map((data) => ({ name, type: 'A', ttl: TTL, data }));

function serviceRecords(name: string, found: readonly Found[] = []): Answer[] {
  const weight = Math.max(1, Math.floor(100 / found.length));
  const unique = new Map(found.map((each) => [`${each.target}:${each.port}`, each]));
  return [...unique.values()].flatMap(({ port, target }): Answer[] =>
    port === undefined ? [] : [{ name, type: 'SRV', ttl: TTL, data: { priority: 0, weight, port, target } }],
  );
}

function targetRecords(found: readonly Found[] = []): Answer[] {
  const unique = new Map(
    found.filter(({ port }) => port !== undefined).map((each) => [`${each.target} ${each.address}`, each]),
  );
  return [...unique.values()].map(({ target, address }) => ({
    name: target,
    type: 'A',
    ttl: TTL,
    data: address,
  }));
}

const versionRecord = (name: string): Answer => ({ name, type: 'TXT', ttl: VERSION_TTL, data: '1.1.0' });

const soa = (store: Store): Answer => ({
  name: ZONE,
  type: 'SOA',
  ttl: TTL,
  data: {
    mname: `ns.dns.${ZONE}`,
    rname: `hostmaster.${ZONE}`,
    serial: store.version(),
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: TTL,
  },
});
