import type { Evidence, Rule } from '../rule.ts';
import { hasReady, type ServiceView } from '../situation/index.ts';
import { count, labelsText } from '../words.ts';
import { firstOf, isUnseen, kubectl, servicesOf } from './say.ts';

/** The Service selects labels that no pod has, while there are pods that it seems to be meant for. */
export const selectorMismatch: Rule = {
  cause: 'selector-mismatch',
  judge: (situation) => {
    if (isUnseen(situation, /^(the rest of )?Pods\b/)) return undefined;
    return firstOf(servicesOf(situation), (service) => {
      const { selector, pods, workloads, name, namespace, near, ref } = service;
      const [best] = near;
      if (!selector || pods.length > 0 || workloads.length > 0 || hasReady(service) || !best)
        return undefined;
      const evidence: Evidence[] = [
        {
          fact: `Service ${ref} spec.selector`,
          value: labelsText(selector),
          says: `no pod of the namespace ${namespace} has these labels`,
        },
        {
          fact: `labels of ${best.owner.kind} ${namespace}/${best.owner.name}`,
          value: labelsText(best.selector),
          says: `${count(best.pods.length, 'pod')} that the Service is probably meant for`,
        },
        ...endpointsEvidence(service),
      ];
      return {
        cause: 'selector-mismatch',
        certainty: best.score >= 2 ? 'certain' : 'likely',
        summary: `the Service ${name} selects ${labelsText(selector)}, which no pod has; ${best.owner.name} has ${labelsText(best.selector)}`,
        evidence,
        fix: fixOf(service, best.selector),
      };
    });
  },
};

export const endpointsEvidence = ({ ref, hasSlices, endpoints }: ServiceView): Evidence[] =>
  hasSlices
    ? [
        {
          fact: `EndpointSlices of ${ref}`,
          value: `${count(endpoints.length, 'endpoint')}, ${endpoints.filter(({ ready }) => ready).length} ready`,
          says: 'a call to the Service has nowhere to go',
        },
      ]
    : [];

/** Labels that are too many go by null. */
function fixOf(
  { namespace, name, selector = {} }: ServiceView,
  labels: Readonly<Record<string, string>>,
): string {
  const without = Object.fromEntries(Object.keys(selector).map((key) => [key, null]));
  const patch = { spec: { selector: { ...without, ...labels } } };
  return kubectl(namespace, `patch service ${name} --type merge -p '${JSON.stringify(patch)}'`);
}
