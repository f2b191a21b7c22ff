// Gathers what a diagnosis rests on: everything that can be seen of a question, in about twelve seconds at the most.
import type { ClientFacts, Facts, Probe, Question } from '../facts.ts';
import { type Access, readingAccess } from './access.ts';
import { isOfClient } from './client.ts';
import { controlOf } from './control.ts';
import { askClients } from './lab-clients.ts';
import { gatherLogs } from './logs.ts';
import { type Look, look } from './look.ts';
import { type Gathered, gatherObjects } from './objects.ts';
import { requestOfQuestion } from './path-request.ts';
import { type ProbeOptions, probeBeside } from './probe-pod.ts';
import { redactObject } from './redact.ts';

export { type Access, type AccessOptions, readingAccess } from './access.ts';
export type { ProbeOptions } from './probe-pod.ts';
export { checkQuestion } from './question.ts';

export type GatherOptions = {
  /** Of the control endpoints of the client's pods, where those are the lab's. */
  controlToken?: ((access: Access) => Promise<string>) | undefined;
  /** Lets one pod try the way of a call from beside the client's. */
  probe?: ProbeOptions | undefined;
  /** What it is at, for people. */
  say?: (text: string) => void;
};

/** Of a probe pod, from its start to its answer. */
const PROBE_MS = 45_000;

/**
 * What cannot be seen is noted, and the gathering goes on. Without `controlToken` and `probe` nothing is sent but GET.
 *
 * @throws the reason of `access.signal`, when it is not that the time is over.
 */
export async function gatherFacts(
  access: Access,
  question: Question,
  { controlToken, probe, say = () => {} }: GatherOptions = {},
): Promise<Facts> {
  const at = new Date().toISOString();
  const seen = look(access);
  say('objects');
  const [kubernetes, gathered] = await Promise.all([
    seen.attempt('the version of Kubernetes', () => access.version()),
    gatherObjects(seen, question),
  ]);
  say('logs, and the way of a call');
  const [logs, tried] = await Promise.all([
    gatherLogs(access, seen, question, gathered),
    tryTheWay(access, seen, question, gathered, { controlToken, probe, say }),
  ]);
  const { objects } = gathered;
  return {
    version: 1,
    at,
    question,
    ...(kubernetes === undefined ? {} : { kubernetes }),
    objects,
    logs,
    clients: redactObject(tried.clients),
    probes: tried.probes,
    unseen: seen.unseen.toSorted((a, b) => (a.what < b.what ? -1 : 1)),
  };
}

type Tried = { clients: ClientFacts[]; probes: Probe[] };

async function tryTheWay(
  access: Access,
  seen: Look,
  question: Question,
  gathered: Gathered,
  { controlToken, probe }: GatherOptions,
): Promise<Tried> {
  const what = 'the way of a call from the client: name, TCP, HTTP/2 or TLS, health, the method';
  const nothing = { clients: [], probes: [] };
  if (controlToken !== undefined) {
    const control = await seen.attempt(what, async () =>
      controlOf(access, await controlToken(access), question.client.namespace),
    );
    return control ? askClients(control, seen, question, gathered) : nothing;
  }
  const missed = (why: string): Tried => {
    seen.unseen.push({ what, why });
    return nothing;
  };
  if (probe === undefined) return missed('not asked for: --probe lets one short-lived pod try it');
  const [beside] = gathered.objects.pods.filter((pod) => isOfClient(pod, question) && pod.spec?.nodeName);
  if (beside === undefined) return missed('the client has no pod that it could be tried beside');
  const request = requestOfQuestion(gathered.targets, gathered.objects, question);
  if (request === undefined) return missed('what the client dials is not known');
  const { kubeConfig, audit, interrupted } = access;
  const found = await seen.attempt(what, async () => {
    const longer = await readingAccess(kubeConfig, { signal: interrupted, totalMs: PROBE_MS, audit });
    return probeBeside(longer, beside, request, probe);
  });
  return found ? { clients: [], probes: [found] } : nothing;
}
