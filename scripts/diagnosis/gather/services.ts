// Which Service a target means, which pods it selects, and where in them it leads.
import { isIP } from 'node:net';
import type { ClusterObjects, Question } from '../facts.ts';
import type { Target } from '../targets.ts';

type Service = ClusterObjects['services'][number];
type Pod = ClusterObjects['pods'][number];

/** Service and namespace of a cluster name, as search domains would complete it: `greeter`, `greeter.shop`, `greeter.shop.svc…`. */
export function clusterName(
  host: string,
  namespace: string,
): { name: string; namespace: string } | undefined {
  const [name = '', in_ = namespace, svc = 'svc'] = host.replace(/\.$/, '').split('.');
  return isIP(host) !== 0 || name === '' || svc !== 'svc' ? undefined : { name, namespace: in_ };
}

/** @param namespace of who dials. */
export function serviceOf(
  { host }: Pick<Target, 'host'>,
  namespace: string,
  services: readonly Service[],
): Service | undefined {
  const meant = clusterName(host, namespace);
  return services.find(({ metadata, spec }) =>
    meant === undefined
      ? [spec?.clusterIP, ...(spec?.clusterIPs ?? []), ...(spec?.externalIPs ?? [])].includes(host)
      : metadata?.name === meant.name && metadata?.namespace === meant.namespace,
  );
}

/** The one that is asked about, and those that the client's targets name. */
export function servicesInQuestion(
  question: Question,
  targets: readonly Target[],
  services: readonly Service[],
): Service[] {
  const asked = services.filter(
    ({ metadata }) => metadata?.name === question.service && metadata?.namespace === question.namespace,
  );
  const dialled = targets.map((target) => serviceOf(target, question.client.namespace, services));
  return [...new Set([...asked, ...dialled.filter((service) => service !== undefined)])];
}

/** A Service without a selector selects nothing: its endpoints are made by hand. */
export function isSelected({ metadata, spec }: Service, pod: Pod): boolean {
  const selector = Object.entries(spec?.selector ?? {});
  return (
    selector.length > 0 &&
    pod.metadata?.namespace === metadata?.namespace &&
    selector.every(([key, value]) => pod.metadata?.labels?.[key] === value)
  );
}

/** Where a connection to a port of the Service ends in a pod; undefined where it ends nowhere. */
export function portIn({ spec }: Service, port: number | undefined, pod: Pod): number | undefined {
  const ports = spec?.ports ?? [];
  const asked = ports.find((each) => each.port === port) ?? ports[0];
  const target: unknown = asked?.targetPort ?? asked?.port;
  if (typeof target === 'number') return target;
  const named = (pod.spec?.containers ?? []).flatMap(({ ports: own = [] }) => own);
  return named.find(({ name }) => name === target)?.containerPort;
}
