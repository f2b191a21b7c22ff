import type { Evidence, Rule } from '../rule.ts';
import { hasReady, type PodView, type Situation, serversOf } from '../situation/index.ts';
import { count, listOf } from '../words.ts';
import { isKilledByProbe } from './crash-loop.ts';
import { probeFailures, saidOf } from './probe-events.ts';
import { firstOf, kubectl, servicesOf, workloadRef } from './say.ts';
import { endpointsEvidence } from './selector-mismatch.ts';

/** A pod has this long to become Ready before it is news that it is not. */
const PATIENCE_MS = 30_000;

/** Pods run, and none is Ready. */
export const readinessFailing: Rule = {
  cause: 'readiness-failing',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) => {
      const pods = serversOf(service);
      if (pods.some(({ ready }) => ready) || hasReady(service)) return undefined;
      const stuck = pods.filter((pod) => isStuck(pod, situation));
      const [pod] = stuck;
      if (!pod) return undefined;
      const said = probeFailures(pod, 'readiness', 'startup').at(-1);
      const probes = pod.containers.flatMap((container) =>
        container.probes.filter(({ kind }) => kind !== 'liveness').map((probe) => ({ container, probe })),
      );
      const [first] = probes;
      const evidence: Evidence[] = [
        {
          fact: `Pod ${pod.ref} condition Ready`,
          value: 'False',
          says: `${count(stuck.length, 'pod')} behind the Service ${service.name} run and are not Ready`,
        },
        ...saidOf(pod, said, 'why it is not'),
        ...pod.closedGates.map((gate) => ({
          fact: `Pod ${pod.ref} readinessGates`,
          value: gate,
          says: 'nobody has said that this condition is true',
        })),
        ...probes.slice(0, 2).map(({ container, probe }) => ({
          fact: `Pod ${pod.ref} container ${container.name} ${probe.kind}Probe`,
          value: `${probe.how}${probe.port === undefined ? '' : ` on ${probe.port}`}, timeout ${probe.timeoutSeconds} s`,
          says: 'what asks',
        })),
        ...endpointsEvidence(service),
      ];
      return {
        cause: 'readiness-failing',
        certainty: said || pod.closedGates.length > 0 ? 'certain' : 'likely',
        summary: `${listOf(
          stuck.map(({ name }) => name),
          3,
        )} run but are never Ready${said ? `: ${said.message.slice(0, 120)}` : ''}`,
        evidence,
        fix: pod.closedGates[0]
          ? `find who should set the condition ${pod.closedGates[0]} of ${pod.ref}`
          : `make the program pass its probe, or mend the ${first?.probe.kind ?? 'readiness'} probe of ${workloadRef(pod)}: ${kubectl(pod.namespace, `edit ${workloadRef(pod)}`)}`,
      };
    }),
};

function isStuck(pod: PodView, { nowMs }: Situation): boolean {
  const main = pod.containers.filter(({ init }) => !init);
  const runs = main.every(
    (container) =>
      container.state.kind === 'running' || (container.restarts > 0 && isKilledByProbe(container, pod)),
  );
  const isNews =
    probeFailures(pod, 'readiness', 'startup').length > 0 || nowMs - (pod.createdMs ?? nowMs) >= PATIENCE_MS;
  return runs && main.length > 0 && isNews;
}
