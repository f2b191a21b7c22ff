// Gathers what a diagnosis rests on: everything that can be seen of a question, in about twelve seconds at the most.
import type { ClientFacts, Facts, Probe, Question } from '../facts.ts';
import type { Access } from './access.ts';
import { controlOf } from './control.ts';
import { askClients } from './lab-clients.ts';
import { gatherLogs } from './logs.ts';
import { type Look, look } from './look.ts';
import { type Gathered, gatherObjects } from './objects.ts';
import { redactObject } from './redact.ts';
import { THE_WAY } from './with-probe.ts';

export { type Access, type AccessOptions, readingAccess } from './access.ts';
export { checkQuestion } from './question.ts';
export { withProbe } from './with-probe.ts';

export type GatherOptions = {
  /** Of the control endpoints of the client's pods, where those are the lab's. */
  controlToken?: ((access: Access) => Promise<string>) | undefined;
  /** What it is at, for people. */
  say?: (text: string) => void;
};

/**
 * What cannot be seen is noted, and the gathering goes on. Without `controlToken` nothing is sent but GET.
 *
 * @throws the reason of `access.signal`, when it is not that the time is over.
 */
export async function gatherFacts(
  access: Access,
  question: Question,
  { controlToken, say = () => {} }: GatherOptions = {},
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
    tryTheWay(access, seen, question, gathered, controlToken),
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
    probes: redactObject(tried.probes),
    unseen: seen.unseen.toSorted((a, b) => (a.what < b.what ? -1 : 1)),
  };
}

type Tried = { clients: ClientFacts[]; probes: Probe[] };

async function tryTheWay(
  access: Access,
  seen: Look,
  question: Question,
  gathered: Gathered,
  controlToken: GatherOptions['controlToken'],
): Promise<Tried> {
  if (controlToken === undefined) {
    seen.unseen.push({
      what: THE_WAY,
      why: 'not asked for: --probe lets one short-lived pod try it',
    });
    return { clients: [], probes: [] };
  }
  const control = await seen.attempt(THE_WAY, async () => {
    const token = await Promise.race([controlToken(access), abortOf(access.signal)]);
    return controlOf(access, token, question.client.namespace);
  });
  return control ? askClients(control, seen, question, gathered) : { clients: [], probes: [] };
}

/** Rejects when it aborts. */
const abortOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
