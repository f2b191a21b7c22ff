import type { Rule } from '../rule.ts';
import {
  connected,
  declaredPorts,
  isRefused,
  readsSlices,
  serversOf,
  targetPortsOn,
} from '../situation/index.ts';
import { tcpEvidence } from './probe-evidence.ts';
import {
  failureEvidence,
  firstOf,
  goesThrough,
  hostFor,
  probesTo,
  retarget,
  unreached,
  withEffect,
} from './say.ts';

/** A headless Service maps a port to another, and the client dials the first: DNS gives addresses, and no ports. */
export const headlessPort: Rule = {
  cause: 'headless-port',
  judge: (situation) =>
    firstOf(situation.routes, (route) => {
      const { service, target, port } = route;
      if (!service?.headless || !target || port === undefined || readsSlices(target)) return undefined;
      const mapped = service.ports.find((each) => each.port === port);
      const servers = serversOf(service);
      const [pod] = servers;
      if (!mapped || !pod || goesThrough(situation)) return undefined;
      const targets = servers.flatMap((server) => targetPortsOn(mapped, server));
      const [instead] = targets;
      const isListened =
        targets.includes(port) || servers.some((server) => declaredPorts(server).includes(port));
      const probes = probesTo(situation, service).filter((probe) => probe.port === port);
      if (instead === undefined || isListened || probes.some(connected)) return undefined;
      return {
        cause: 'headless-port',
        certainty: withEffect(situation),
        summary: `the client dials port ${port} of the headless Service ${service.name}, which maps it to ${instead}: DNS ignores that, and pods do not listen on ${port}`,
        evidence: [
          {
            fact: `Service ${service.ref} spec.clusterIP`,
            value: 'None',
            says: 'its name has the addresses of the pods, so no port is mapped',
          },
          {
            fact: `Service ${service.ref} spec.ports`,
            value: `${port} → ${mapped.targetPort}`,
            says: `the pods listen on ${instead}`,
          },
          { fact: target.where, value: target.raw, says: `port ${port} of the pods is dialled` },
          ...probes
            .filter(isRefused)
            .slice(0, 1)
            .map((probe) => tcpEvidence(probe, `the pod does not listen on ${port}`)),
          ...failureEvidence(unreached(situation), `calls to ${target.raw} do not get through`),
        ],
        fix: retarget(situation, route, `${hostFor(service, situation)}:${instead}`),
      };
    }),
};
