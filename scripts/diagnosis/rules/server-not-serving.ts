import type { Evidence, Rule } from '../rule.ts';
import { type Probed, readyOf } from '../situation/index.ts';
import { count } from '../words.ts';
import { failing, failureEvidence, firstOf, kubectl, probesTo, servicesOf, workloadRef } from './say.ts';

const SAID = /NOT_SERVING|health check failed|health watch/i;

/** The health service says NOT_SERVING, while the pods are Ready. */
export const serverNotServing: Rule = {
  cause: 'server-not-serving',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) => {
      const ready = readyOf(service);
      const [pod] = ready;
      if (!pod) return undefined;
      const ips = new Set([...service.clusterIPs, ...ready.flatMap((each) => each.ips)]);
      const sick = probesTo(situation, service).flatMap((probe) =>
        ips.has(probe.address) ? notServing(probe) : [],
      );
      const failures = failing(situation, SAID);
      const probes = pod.containers.flatMap((container) =>
        container.probes.filter(({ kind }) => kind === 'readiness'),
      );
      const [first] = sick;
      if (!first && failures.length === 0) return undefined;
      const evidence: Evidence[] = [
        ...sick.slice(0, 3).map(({ where, name }) => ({
          fact: `probe ${where} health of "${name}"`,
          value: 'NOT_SERVING',
          says: 'the server says itself that it does not serve it',
        })),
        {
          fact: `Pods of ${service.ref} condition Ready`,
          value: `${count(ready.length, 'pod')} True`,
          says: `their readiness ${probes[0] ? `(${probes[0].how})` : ''} does not ask for it, so calls are sent to them`,
        },
        ...failureEvidence(failures, 'clients that ask for health keep away from them'),
      ];
      return {
        cause: 'server-not-serving',
        certainty: first ? 'certain' : 'likely',
        summary: first
          ? `servers behind ${service.name} are Ready but say NOT_SERVING for "${first.name}"`
          : `servers behind ${service.name} are Ready but clients hear that they do not serve`,
        evidence,
        fix: `see why the server keeps its health at NOT_SERVING (${kubectl(pod.namespace, `logs ${pod.name}`)}); ask the same of it in readiness: readinessProbe.grpc.service of ${workloadRef(pod)}${first?.name ? ` = "${first.name}"` : ''}`,
      };
    }),
};

const notServing = ({ health = {}, where }: Probed): { where: string; name: string }[] =>
  Object.entries(health).flatMap(([name, { serving }]) =>
    serving === 'NOT_SERVING' ? [{ where, name }] : [],
  );
