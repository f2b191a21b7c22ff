import { formatDuration, parseDurationMs } from '../../common/duration.ts';
import type { Evidence, Rule, Suspicion } from '../rule.ts';
import { type PodView, readyOf, type ServiceView, type Situation, timeIn } from '../situation/index.ts';
import { count, listOf } from '../words.ts';
import { answersOf, linesLately } from './answers.ts';
import { firstOf, kubectl, servicesOf, workloadRef } from './say.ts';

/** A client that looks by itself has found a new pod by then. */
const PATIENCE_MS = 5000;
/** grpc-js and others ask DNS no more often: `grpc.dns_min_time_between_resolutions_ms`. */
const DNS_FLOOR_MS = 30_000;
const SLACK_MS = 5000;
const ENOUGH_ANSWERS = 20;
const ENOUGH_LINES = 20;
const MAX_AGE = /MAX_?CONN(ECTION)?_?AGE/i;

/** Pods were added, and clients that are connected do not look for any. */
export const newReplicasIdle: Rule = {
  cause: 'new-replicas-idle',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) => byAnswers(situation, service) ?? byLogs(situation, service)),
};

function byAnswers(situation: Situation, service: ServiceView): Suspicion | undefined {
  const { nowMs } = situation;
  return firstOf(answersOf(situation, service), ({ client, settledMs, byPod, total, connections }) => {
    const patienceMs = patienceOf(service);
    const late = [...byPod.keys()].filter(
      ({ changedMs = 0 }) => changedMs > settledMs && nowMs - changedMs >= patienceMs,
    );
    const idle = late.filter((pod) => byPod.get(pod) === 0 && connections.get(pod) === 0);
    const busy = [...byPod.keys()].filter((pod) => (byPod.get(pod) ?? 0) > 0);
    if (idle.length === 0 || idle.length < late.length || busy.length === 0 || total < ENOUGH_ANSWERS)
      return undefined;
    return say(situation, service, idle, 'certain', [
      {
        fact: `answers that ${client} got`,
        value: [...byPod].map(([pod, answers]) => `${pod.name}: ${answers}`).join(', '),
        says: `none from ${listOf(idle.map(({ name }) => name))}, to which it has no connection`,
      },
    ]);
  });
}

/** Where clients do not tell: by who among the servers has something to write. */
function byLogs(situation: Situation, service: ServiceView): Suspicion | undefined {
  if (situation.agents.length > 0) return undefined;
  const ready = readyOf(service);
  const since = (pods: readonly PodView[], at: 'createdMs' | 'changedMs') =>
    Math.min(...pods.map((pod) => pod[at] ?? Number.POSITIVE_INFINITY));
  const settledMs =
    Math.max(since(situation.client.pods, 'createdMs'), since(ready, 'changedMs')) + DNS_FLOOR_MS;
  const late = ready.filter(
    ({ changedMs = 0 }) => changedMs > settledMs && situation.nowMs - changedMs >= 2 * DNS_FLOOR_MS,
  );
  const old = ready.filter((pod) => !late.includes(pod));
  const lines = (pod: PodView) => linesLately(situation, pod, timeIn);
  const busy = old.filter((pod) => (lines(pod) ?? 0) >= ENOUGH_LINES);
  if (late.length === 0 || busy.length === 0 || !late.every((pod) => lines(pod) === 0)) return undefined;
  // Where old ones idle as well it is not that they are new.
  if (busy.length < old.length) return undefined;
  return say(situation, service, late, 'possible', [
    {
      fact: `log of ${busy[0]?.ref}`,
      value: `${busy[0] && lines(busy[0])} lines in the last minutes`,
      says: `it works, while ${listOf(late.map(({ name }) => name))} wrote none`,
    },
  ]);
}

function say(
  { nowMs, client }: Situation,
  service: ServiceView,
  idle: readonly PodView[],
  certainty: Suspicion['certainty'],
  evidence: Evidence[],
): Suspicion {
  const [pod] = idle;
  const age = maxAge(service);
  return {
    cause: 'new-replicas-idle',
    certainty,
    summary: `${listOf(idle.map(({ name }) => name))} ${idle.length === 1 ? 'is' : 'are'} Ready behind the Service ${service.name} and get no calls: the client is connected to older pods, and does not look for others`,
    evidence: [
      {
        fact: `Pods of ${service.ref} condition Ready`,
        value: `${count(idle.length, 'pod')} since ${formatDuration(nowMs - (pod?.changedMs ?? nowMs))}`,
        says: 'they came after the client had connected',
      },
      ...evidence,
      {
        fact: `settings of ${pod ? workloadRef(pod) : service.name}`,
        value: age ? `${age.name}=${age.value}` : 'no max connection age',
        says: 'a client resolves again when it loses a connection, and none is ended',
      },
    ],
    fix: `give the servers a max connection age (MAX_CONNECTION_AGE of gRPC: some minutes, with a grace); at once: ${kubectl(client.namespace, `rollout restart ${client.kind.toLowerCase()}/${client.name}`)}`,
  };
}

function maxAge({ pods }: ServiceView) {
  return pods
    .flatMap(({ containers }) => containers.flatMap(({ env }) => env))
    .find(({ name }) => MAX_AGE.test(name));
}

/** With a max age it takes as long until a client looks again. */
function patienceOf(service: ServiceView): number {
  const age = maxAge(service);
  if (!age) return PATIENCE_MS;
  const ms = /^\d+$/.test(age.value)
    ? Number(age.value) * (/MS$|MILLI/i.test(age.name) ? 1 : 1000)
    : /^\d+(\.\d+)?(ms|s|m|h)$/.test(age.value)
      ? parseDurationMs(age.value)
      : 0;
  return Math.max(1.1 * ms, DNS_FLOOR_MS) + SLACK_MS;
}
