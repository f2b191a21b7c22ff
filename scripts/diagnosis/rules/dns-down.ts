import type { Evidence, Rule, Suspicion } from '../rule.ts';
import type { Situation } from '../situation/index.ts';
import { shorten } from '../words.ts';
import { starvationOf } from './client-starved.ts';
import { failing, failureEvidence, kubectl } from './say.ts';
import { endpointsEvidence } from './selector-mismatch.ts';

/** What a resolver says that got no answer, or one that says only that there is trouble. */
const NO_ANSWER =
  /EAI_AGAIN|temporary failure in name resolution|SERVFAIL|server misbehaving|i\/o timeout.*:53|:53:.*(timeout|refused)|ETIMEOUT|try again/i;
/** CoreDNS' plugins that answer with an error for whatever is asked. */
const REFUSING = /^\s*rcode\s+(SERVFAIL|REFUSED|NXDOMAIN)|^\s*erratic\b/im;
const NAME_NOT_FOUND = /ENOTFOUND|EAI_NONAME|NXDOMAIN/;

/** The cluster's DNS does not answer, or answers with errors. */
export const dnsDown: Rule = {
  cause: 'dns-down',
  judge: (situation) => {
    const { dns, facts } = situation;
    // That a name is not there is an answer: the cluster's domain may be another, or the control's Service missing.
    const failed = facts.probes.find(
      ({ answer: { control } }) => control.error !== undefined && !NAME_NOT_FOUND.test(control.error),
    );
    const works = facts.probes.some(({ answer }) => answer.control.error === undefined);
    const isGone = dns.workload?.replicas === 0 || dns.hasReady === false;
    const corefile = dns.corefile && REFUSING.exec(dns.corefile.text)?.[0].trim();
    const unanswered = failing(situation, NO_ANSWER);
    if (works && !isGone) return undefined;
    if (!failed && !isGone && !corefile && unanswered.length === 0) return undefined;
    // A client that is late itself has no time for answers.
    if (!isGone && !corefile && starvationOf(situation).length > 0) return undefined;
    const evidence: Evidence[] = [
      ...(dns.workload?.replicas === 0
        ? [
            {
              fact: `${dns.workload.kind} ${dns.workload.ref} spec.replicas`,
              value: '0',
              says: 'nothing serves DNS',
            },
          ]
        : []),
      ...(dns.hasReady === false && dns.service ? endpointsEvidence(dns.service) : []),
      ...(corefile && dns.corefile
        ? [{ fact: dns.corefile.where, value: corefile, says: 'it is told to answer with an error' }]
        : []),
      ...(failed
        ? [
            {
              fact: `probe lookup ${failed.answer.control.name}`,
              value: failed.answer.control.error ?? '',
              says: 'a name that every cluster has is not answered',
            },
          ]
        : []),
      ...failureEvidence(unanswered, 'names are not answered'),
    ];
    return {
      cause: 'dns-down',
      certainty: isGone || (failed && corefile) ? 'certain' : failed || corefile ? 'likely' : 'possible',
      summary: isGone
        ? `nothing serves the cluster's DNS${dns.service ? ` (${dns.service.ref} has no ready endpoint)` : ''}`
        : corefile
          ? `the cluster's DNS is told to answer with an error: ${shorten(corefile, 60)}`
          : "the cluster's DNS does not answer the client",
      evidence,
      fix: fixOf(situation, corefile),
    } satisfies Suspicion;
  },
};

function fixOf({ dns }: Situation, corefile: string | undefined): string {
  const { workload } = dns;
  const namespace = workload?.namespace ?? dns.service?.namespace ?? 'kube-system';
  const ref = workload ? `${workload.kind.toLowerCase()}/${workload.name}` : 'deployment/coredns';
  if (workload?.replicas === 0) return kubectl(namespace, `scale ${ref} --replicas=2`);
  if (corefile)
    return `take "${corefile}" out of the ${dns.corefile?.where}, then ${kubectl(namespace, `rollout restart ${ref}`)}`;
  return `see why it does not answer (${kubectl(namespace, `logs ${ref}`)}), then ${kubectl(namespace, `rollout restart ${ref}`)}`;
}
