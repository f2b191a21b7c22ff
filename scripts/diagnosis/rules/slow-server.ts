import type { Evidence, Rule, Suspicion } from '../rule.ts';
import { connected, hasReady, type Probed, type Situation } from '../situation/index.ts';
import { starvationOf } from './client-starved.ts';
import { methodEvidence } from './probe-evidence.ts';
import { failing, failureEvidence, firstOf, kubectl, probesTo, servicesOf, workloadRef } from './say.ts';

/** An answer that takes this share of the client's deadline is slow. */
const MUCH_OF_DEADLINE = 0.5;
const MAX_STREAMS = /MAX_?(CONCURRENT_?)?STREAMS|MAX_CONCURRENT_CALLS/i;
/** A connection was chosen, the call was sent, and nothing came. */
const SENT =
  /remote_addr=|LB pick:|context deadline exceeded|deadline exceeded after|waiting_for_connection.*false/i;
const NEVER_SENT = /Waiting for LB pick|waiting for connection|name resolution|not.?connected|no.?ready/i;

/**
 * A stream beyond the limit that was sent before the client knew of it. Node's HTTP/2 server answers ENHANCE_YOUR_CALM,
 * which gRPC tells in these words; others answer REFUSED_STREAM.
 */
const NO_STREAM =
  /RESOURCE_EXHAUSTED.*Bandwidth exhausted|Stream refused by server|REFUSED_STREAM|ENHANCE_YOUR_CALM/i;

/** Calls get to the server, which takes too long for them. */
export const slowServer: Rule = {
  cause: 'slow-server',
  judge: (situation) => {
    const late = failing(situation, /^DEADLINE_EXCEEDED/);
    return firstOf(servicesOf(situation), (service) => {
      const probes = probesTo(situation, service).filter(connected);
      const slow = probes.find((probe) => isSlow(situation, probe));
      const streams = fullStreams(situation);
      const refused = probes.find(({ method }) => NO_STREAM.test(`${method?.code} ${method?.message}`));
      const turnedAway = failing(situation, NO_STREAM);
      if (!slow && !refused && late.length === 0 && turnedAway.length === 0) return undefined;
      if (!slow && !refused && !streams && turnedAway.length === 0) return byMessages(situation, service);
      const [pod] = service.pods;
      const evidence: Evidence[] = [
        ...(slow ? [methodEvidence(slow, 'the server takes its time: name, TCP and HTTP/2 were quick')] : []),
        ...(slow?.health?.['']
          ? [
              {
                fact: `probe ${slow.where} health`,
                value: slow.health[''].serving ?? slow.health[''].code,
                says: 'it answers to others',
              },
            ]
          : []),
        ...(refused ? [methodEvidence(refused, 'no stream was left for it')] : []),
        ...(streams ? [streams] : []),
        ...failureEvidence(late, 'calls run out of time'),
        ...failureEvidence(turnedAway, 'no stream was left for these calls'),
      ];
      return {
        cause: 'slow-server',
        certainty: late.length + turnedAway.length > 0 || (refused && streams) ? 'certain' : 'likely',
        summary: slow
          ? `the servers behind ${service.name} take ${slow.method?.code === 'OK' ? `${Math.round(slow.method.ms)} ms for a call` : 'longer for a call than it has time'}`
          : `the servers behind ${service.name} take no more calls at once${streams ? `: ${streams.value}` : ''}`,
        evidence,
        fix:
          streams || refused
            ? `raise the limit of streams of ${pod ? workloadRef(pod) : service.ref}, or add pods: ${pod ? kubectl(pod.namespace, `scale ${workloadRef(pod)} --replicas=${service.pods.length + 1}`) : 'kubectl scale'}`
            : `find what the server waits for${pod ? ` (${kubectl(pod.namespace, `logs ${pod.name}`)})` : ''}; until then a longer deadline, or more pods`,
      };
    });
  },
};

/** By how much a client's own process is late, its probe is late too. */
function isSlow(situation: Situation, { method, byClient }: Probed): boolean {
  if (!method) return false;
  const ownMs = byClient ? Math.max(0, ...starvationOf(situation).map(({ byMs }) => 2 * byMs)) : 0;
  const deadlines = situation.agents.flatMap(({ workloads }) => workloads.map(({ spec }) => spec.deadlineMs));
  const deadlineMs = Math.min(2000, ...deadlines);
  const isOut = method.code === 'DEADLINE_EXCEEDED';
  return (
    (isOut && ownMs === 0) || (method.code === 'OK' && method.ms - ownMs >= MUCH_OF_DEADLINE * deadlineMs)
  );
}

/** As many calls in flight as the servers' limit of streams lets through. */
function fullStreams(situation: Situation): Evidence | undefined {
  const containers = servicesOf(situation).flatMap(({ pods }) => pods.flatMap((pod) => pod.containers));
  const limit = containers.flatMap(({ env }) => env).find(({ name }) => MAX_STREAMS.test(name));
  const inFlight = Math.max(
    0,
    ...situation.agents.flatMap(({ workloads }) => workloads.map(({ status }) => status.inFlight)),
  );
  const pods = Math.max(1, ...servicesOf(situation).map(({ pods: all }) => all.length));
  if (!limit || !(Number(limit.value) > 0) || inFlight < Number(limit.value) * Math.min(pods, 2))
    return undefined;
  return {
    fact: `setting ${limit.name} of the servers`,
    value: `${limit.value} streams on a connection, ${inFlight} calls in flight`,
    says: 'calls beyond it wait for others to end',
  };
}

/** Where nothing was called: calls that were sent to Ready pods and not answered. */
function byMessages(situation: Situation, service: Parameters<typeof hasReady>[0]): Suspicion | undefined {
  const late = failing(situation, /^DEADLINE_EXCEEDED/);
  const isReached = probesTo(situation, service).every(connected);
  const answeredInTime = situation.probed.some(({ method }) => method?.code === 'OK');
  const unsent = late.filter(({ message }) => NEVER_SENT.test(message) && !/remote_addr=/.test(message));
  if (!hasReady(service) || !isReached || answeredInTime || unsent.length === late.length) return undefined;
  const sent = late.some(({ message }) => SENT.test(message));
  const words = service.pods
    .flatMap((pod) => pod.logs.flatMap(({ lines }) => lines.map((line) => ({ pod, line }))))
    .findLast(({ line }) =>
      /slow|took \d|latency|duration|elapsed|timed? ?out|deadline|lock wait|queue/i.test(line),
    );
  return {
    cause: 'slow-server',
    certainty: words && sent ? 'likely' : 'possible',
    summary: `calls to ${service.name} are sent to Ready pods and run out of time there`,
    evidence: [
      ...failureEvidence(late, 'calls run out of time'),
      ...(words
        ? [
            {
              fact: `log of ${words.pod.ref}`,
              value: words.line.slice(0, 200),
              says: 'what the server says of it',
            },
          ]
        : []),
    ],
    fix: `find what the servers behind ${service.ref} wait for (${kubectl(service.namespace, `logs ${service.pods[0]?.name ?? ''}`)}); until then a longer deadline, or more pods`,
  };
}
