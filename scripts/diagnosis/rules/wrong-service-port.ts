import type { Evidence, Rule } from '../rule.ts';
import {
  connected,
  declaredPorts,
  type Route,
  readsSlices,
  type ServiceView,
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
  hostFor,
  probesTo,
  retarget,
  unreached,
  withEffect,
} from './say.ts';

/** The client dials a port that the Service does not have; without a port, 443. */
export const wrongServicePort: Rule = {
  cause: 'wrong-service-port',
  judge: (situation) =>
    firstOf(situation.routes, (route) => {
      const { service, port, target } = route;
      if (!service || !target || port === undefined || service.externalName || service.ports.length === 0)
        return undefined;
      if (!isAbsent(route, service, port) || goesThrough(situation)) return undefined;
      const probes = probesTo(situation, service).filter((probe) => probe.port === port);
      if (probes.some(connected)) return undefined;
      const right = rightPort(service, service.headless && !readsSlices(target));
      const given = target.port === undefined ? `no port, which is ${port}` : `port ${port}`;
      const evidence: Evidence[] = [
        {
          fact: target.where,
          value: target.raw,
          says:
            target.port === undefined ? `no port is given: gRPC takes ${port}` : `port ${port} is dialled`,
        },
        {
          fact: `Service ${service.ref} spec.ports`,
          value: listOf(service.ports.map(({ name, port: its }) => (name ? `${name}=${its}` : String(its)))),
          says: `the Service has no port ${port}`,
        },
        ...probes.slice(0, 1).map((probe) => tcpEvidence(probe, 'nobody answers on this port')),
        ...failureEvidence(unreached(situation), `calls to ${target.raw} do not get through`),
      ];
      return {
        cause: 'wrong-service-port',
        certainty: withEffect(situation),
        summary: `the client dials ${target.raw}, ${given}; the Service ${service.name} has ${listOf(service.ports.map(({ port: its }) => String(its)))}`,
        evidence,
        fix: retarget(situation, route, `${hostFor(service, situation)}:${right}`),
      };
    }),
};

/** DNS leads to the pods of a headless Service themselves: there it is their ports that count. */
function isAbsent({ target }: Route, service: ServiceView, port: number): boolean {
  const has = service.ports.some((each) => each.port === port);
  if (!service.headless || (target && readsSlices(target))) return !has;
  const servers = serversOf(service);
  const listened = servers.flatMap((pod) => [
    ...declaredPorts(pod),
    ...service.ports.flatMap((each) => targetPortsOn(each, pod)),
  ]);
  return !has && !listened.includes(port);
}

function rightPort(service: ServiceView, byPod: boolean): number {
  const [first] = service.ports.toSorted((a, b) => gRpcness(b) - gRpcness(a));
  const [pod] = serversOf(service);
  if (!byPod || !pod) return first?.port ?? 0;
  return (first && targetPortsOn(first, pod)[0]) ?? grpcPorts(pod)[0] ?? 0;
}

const gRpcness = ({
  name = '',
  appProtocol = '',
}: {
  name?: string | undefined;
  appProtocol?: string | undefined;
}) => Number(/grpc|h2c|http2/i.test(`${name} ${appProtocol}`));
