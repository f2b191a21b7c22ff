import type { Rule } from '../rule.ts';
import { hasReady, type Workload } from '../situation/index.ts';
import { firstOf, kubectl, servicesOf } from './say.ts';
import { endpointsEvidence } from './selector-mismatch.ts';

/** What the Service stands for has no replica. */
export const scaledToZero: Rule = {
  cause: 'scaled-to-zero',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) => {
      if (service.pods.length > 0 || hasReady(service)) return undefined;
      const nearby = service.near[0];
      const workloads = service.workloads.length > 0 ? service.workloads : [nearby?.workload ?? []].flat();
      const zero = workloads.find(({ replicas }) => replicas === 0);
      if (!zero || (nearby !== undefined && nearby.pods.length > 0)) return undefined;
      const kind = zero.kind.toLowerCase();
      const before = formerReplicas(zero);
      return {
        cause: 'scaled-to-zero',
        certainty: service.workloads.length > 0 ? 'certain' : 'likely',
        summary: `the ${zero.kind} ${zero.name} behind the Service ${service.name} is scaled to 0`,
        evidence: [
          { fact: `${zero.kind} ${zero.ref} spec.replicas`, value: '0', says: 'no pod is wanted' },
          ...endpointsEvidence(service),
        ],
        fix: kubectl(zero.namespace, `scale ${kind}/${zero.name} --replicas=${before ?? 1}`),
      };
    }),
};

/** How many there were, by the controller's event: `Scaled down replica set x from 3 to 0`. */
function formerReplicas({ events }: Workload): number | undefined {
  const said = events.flatMap(({ message }) => /from (\d+) to 0\b/.exec(message)?.[1] ?? []).at(-1);
  return said === undefined ? undefined : Number(said);
}
