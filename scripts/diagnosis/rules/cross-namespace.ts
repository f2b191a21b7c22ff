import type { Evidence, Rule } from '../rule.ts';
import { listOf } from '../words.ts';
import { lookupEvidence } from './probe-evidence.ts';
import { failing, failureEvidence, firstOf, goesThrough, retarget } from './say.ts';

/** The client dials a Service's short name from another namespace, where nothing has that name. */
export const crossNamespace: Rule = {
  cause: 'cross-namespace',
  judge: (situation) =>
    firstOf(situation.routes, (route) => {
      const { meaning, target, port } = route;
      if (!target || meaning.kind !== 'absent' || !meaning.short || goesThrough(situation)) return undefined;
      const [service] = meaning.elsewhere;
      if (!service) return undefined;
      const probe = situation.facts.probes.find(({ answer }) => answer.host === target.host);
      if (probe && probe.answer.lookup.addresses.length > 0) return undefined;
      const failures = failing(situation, /UNAVAILABLE|DEADLINE_EXCEEDED|UNKNOWN/);
      const evidence: Evidence[] = [
        {
          fact: target.where,
          value: target.raw,
          says: `a short name, looked up in the client's own namespace ${meaning.namespace}, which has no such Service`,
        },
        {
          fact: `Services named ${meaning.name}`,
          value: listOf(meaning.elsewhere.map(({ ref }) => ref)),
          says: 'it is in another namespace',
        },
        ...(probe ? [lookupEvidence(probe, 'the short name has no address where the client is')] : []),
        ...failureEvidence(failures, 'calls do not get through'),
      ];
      return {
        cause: 'cross-namespace',
        certainty: probe || failures.length > 0 ? 'certain' : 'likely',
        summary: `the client in ${meaning.namespace} dials ${target.host}, which is in the namespace ${service.namespace}`,
        evidence,
        fix: retarget(
          situation,
          route,
          `${service.name}.${service.namespace}${target.port === undefined ? '' : `:${port}`}`,
        ),
      };
    }),
};
