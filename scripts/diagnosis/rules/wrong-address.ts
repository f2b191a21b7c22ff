import type { Evidence, Rule } from '../rule.ts';
import type { Route, ServiceView, Situation } from '../situation/index.ts';
import { listOf } from '../words.ts';
import { lookupEvidence } from './probe-evidence.ts';
import { failing, failureEvidence, firstOf, goesThrough, hostFor, retarget } from './say.ts';

const UNRESOLVED =
  /name resolution failed|ENOTFOUND|EAI_AGAIN|no such host|name or service not known|unknownhost|dns resolution failed|domain name not found|nodename nor servname|no address associated|produced zero addresses/i;

/** The client dials a name, or a namespace, that does not exist. */
export const wrongAddress: Rule = {
  cause: 'wrong-address',
  judge: (situation) =>
    firstOf(situation.routes, (route) => {
      const { meaning, target } = route;
      if (!target || goesThrough(situation)) return undefined;
      const probe = situation.facts.probes.find(({ answer }) => answer.host === target.host);
      if (probe && probe.answer.lookup.addresses.length > 0) return undefined;
      const unresolved = failing(situation, UNRESOLVED);
      const evidence: Evidence[] = [
        { fact: target.where, value: target.raw, says: `the client dials ${target.host}` },
        ...(probe ? [lookupEvidence(probe, 'the name has no address')] : []),
        ...failureEvidence(unresolved, 'the name cannot be resolved'),
      ];
      if (meaning.kind === 'outside') {
        // Whether a name outside of the cluster exists is known only by asking.
        const isNone = /ENOTFOUND|NXDOMAIN/.test(probe?.answer.lookup.error ?? '');
        if (!isNone || probe?.answer.control.error !== undefined) return undefined;
        return {
          cause: 'wrong-address',
          certainty: 'likely',
          summary: `the client dials ${target.host}, a name that does not exist`,
          evidence,
          fix: suggest(situation, route, nearestTo(situation, target.host)),
        };
      }
      if (meaning.kind !== 'absent' || (meaning.short && meaning.elsewhere.length > 0)) return undefined;
      const { name, namespace, namespaceExists } = meaning;
      const isSeen = unresolved.length > 0 || probe !== undefined;
      return {
        cause: 'wrong-address',
        certainty: isSeen ? 'certain' : 'likely',
        summary: namespaceExists
          ? `the client dials ${target.host}, but the namespace ${namespace} has no Service ${name}`
          : `the client dials ${target.host}, but there is no namespace ${namespace}`,
        evidence: [
          ...evidence,
          {
            fact: namespaceExists ? `Services of the namespace ${namespace}` : 'namespaces',
            value: namespaceExists
              ? listOf(
                  situation.services.filter((each) => each.namespace === namespace).map((each) => each.name),
                  6,
                )
              : listOf(
                  situation.facts.objects.namespaces.map(({ metadata }) => metadata?.name ?? ''),
                  6,
                ),
            says: namespaceExists ? `none is ${name}` : `none is ${namespace}`,
          },
        ],
        fix: suggest(situation, route, route.service),
      };
    }),
};

/** A whole name with a slip in what comes after the Service. */
const nearestTo = ({ services }: Situation, host: string): ServiceView | undefined => {
  const [name, namespace] = host.split('.');
  return services.find((each) => each.name === name && each.namespace === namespace);
};

function suggest(situation: Situation, route: Route, service: ServiceView | undefined): string {
  const port = route.target?.port ?? service?.ports[0]?.port;
  if (!service)
    return `let the client dial a Service that exists instead of ${route.target?.raw}, or create that one`;
  return retarget(situation, route, `${hostFor(service, situation)}${port === undefined ? '' : `:${port}`}`);
}
