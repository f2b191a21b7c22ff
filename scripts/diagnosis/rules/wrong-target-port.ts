import type { Evidence, Rule, Suspicion } from '../rule.ts';
import {
  connected,
  declaredPorts,
  isRefused,
  type Route,
  type ServicePort,
  type ServiceView,
  type Situation,
  serversOf,
  targetPortsOn,
} from '../situation/index.ts';
import { listOf } from '../words.ts';
import { tcpEvidence } from './probe-evidence.ts';
import {
  failureEvidence,
  firstOf,
  goesThrough,
  grpcPorts,
  patchService,
  probesTo,
  unreached,
} from './say.ts';

/** The Service leads to a port on which its pods do not listen. */
export const wrongTargetPort: Rule = {
  cause: 'wrong-target-port',
  judge: (situation) =>
    firstOf(situation.routes, (route) => {
      const { service } = route;
      if (!service || (service.headless && route.target !== undefined && route.port !== undefined))
        return undefined;
      // Whether a port is right can be judged where a pod is.
      if (serversOf(service).length === 0) return undefined;
      const dialled = service.ports.filter(({ port }) => port === route.port);
      const ports = dialled.length > 0 ? dialled : service.ports.length === 1 ? service.ports : [];
      return firstOf(ports, (port) => judgePort(situation, route, service, port));
    }),
};

function judgePort(
  situation: Situation,
  route: Route,
  service: ServiceView,
  port: ServicePort,
): Suspicion | undefined {
  const servers = serversOf(service);
  const targets = [...new Set(servers.flatMap((pod) => targetPortsOn(port, pod)))];
  const declared = [...new Set(servers.flatMap(declaredPorts))];
  const isName = typeof port.targetPort === 'string';
  const probes = probesTo(situation, service).filter(
    ({ port: tried, address }) =>
      (service.clusterIPs.includes(address) && tried === port.port) || targets.includes(tried),
  );
  const refused = probes.filter(isRefused);
  const isMissing = isName ? targets.length === 0 : isUndeclared(service, port, declared);
  if (!isMissing || probes.some(connected) || (!isName && goesThrough(situation))) return undefined;

  const right = rightPort(situation, service);
  const failures = unreached(situation);
  const index = service.ports.indexOf(port);
  const evidence: Evidence[] = [
    {
      fact: `Service ${service.ref} spec.ports[${index}].targetPort`,
      value: String(port.targetPort),
      says: isName
        ? 'no container of its pods has a port of this name'
        : 'no container of its pods declares it',
    },
    {
      fact: `containerPorts of ${listOf(
        servers.map(({ ref }) => ref),
        2,
      )}`,
      value: listOf(servers.slice(0, 1).flatMap(portTexts), 6),
      says: 'these are the ports that its pods declare',
    },
    ...refused.slice(0, 2).map((probe) => tcpEvidence(probe, 'nothing listens where the Service leads')),
    ...failureEvidence(failures, `calls to ${route.target?.raw ?? service.name} do not get through`),
  ];
  return {
    cause: 'wrong-target-port',
    certainty: isName || refused.length > 0 || failures.length > 0 ? 'certain' : 'likely',
    summary: `the Service ${service.name} leads port ${port.port} to targetPort ${port.targetPort}, on which none of its pods listens`,
    evidence,
    fix:
      right === undefined
        ? `set spec.ports[${index}].targetPort of the Service ${service.ref} to the port on which its pods serve gRPC`
        : patchService(service, { path: `/spec/ports/${index}/targetPort`, value: right }),
  };
}

/** A Ready pod that is probed on a port listens there, whatever it declares. */
function isUndeclared(
  service: ServiceView,
  { targetPort }: ServicePort,
  declared: readonly number[],
): boolean {
  const isProbed = service.pods.some(
    ({ ready, containers }) =>
      ready &&
      containers.some(({ probes }) =>
        probes.some(({ kind, port }) => kind !== 'liveness' && port === targetPort),
      ),
  );
  return declared.length > 0 && !declared.includes(Number(targetPort)) && !isProbed;
}

/** One that was reached, else one that is likely. */
function rightPort({ probed }: Situation, service: ServiceView): number | undefined {
  const ips = new Set(serversOf(service).flatMap((pod) => pod.ips));
  const open = probed.find((probe) => ips.has(probe.address) && connected(probe));
  return open?.port ?? serversOf(service).flatMap(grpcPorts)[0];
}

const portTexts = ({
  containers,
}: {
  containers: readonly { ports: { name: string | undefined; port: number }[] }[];
}) =>
  containers.flatMap(({ ports }) => ports.map(({ name, port }) => (name ? `${name}=${port}` : String(port))));
