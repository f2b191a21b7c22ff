// What a client of which nothing can be asked does not tell is tried by a pod beside it, where that is allowed.
import type { Facts } from '../facts.ts';
import { targetsIn } from '../targets.ts';
import { type Access, readingAccess } from './access.ts';
import { isOfClient } from './client.ts';
import { look } from './look.ts';
import { requestOfQuestion } from './path-request.ts';
import { type ProbeOptions, probeBeside } from './probe-pod.ts';

/** What nobody has tried, where nobody has. */
export const THE_WAY = 'the way of a call from the client: name, TCP, HTTP/2 or TLS, health, the method';

/** Of a probe pod, from its start to its answer. */
const PROBE_MS = 45_000;

/**
 * The facts with what a probe pod has found; without that, with why not.
 *
 * @throws the reason of `access.interrupted`, when the pod is gone.
 */
export async function withProbe(access: Access, facts: Facts, probe: ProbeOptions): Promise<Facts> {
  const { objects, question } = facts;
  const missed = (why: string): Facts => ({ ...facts, unseen: [...others, { what: THE_WAY, why }] });
  const others = facts.unseen.filter(({ what }) => what !== THE_WAY);
  const beside = objects.pods.find((pod) => isOfClient(pod, question) && pod.spec?.nodeName);
  if (beside === undefined) return missed('the client has no pod that it could be tried beside');
  const targets = (beside.spec?.containers ?? []).flatMap((one) => targetsIn(one, objects.configMaps));
  const request = requestOfQuestion(targets, objects, question);
  if (request === undefined) return missed('what the client dials is not known');
  const { kubeConfig, audit, interrupted } = access;
  const longer = await readingAccess(kubeConfig, { signal: interrupted, totalMs: PROBE_MS, audit });
  const { attempt, unseen } = look(longer);
  const found = await attempt(THE_WAY, () => probeBeside(longer, beside, request, probe));
  return {
    ...facts,
    probes: found ? [...facts.probes, found] : facts.probes,
    unseen: [...others, ...unseen],
  };
}
