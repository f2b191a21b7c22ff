import type { Evidence, Rule } from '../rule.ts';
import { answered, type Failure, type ServiceView, type Situation } from '../situation/index.ts';
import { count, listOf } from '../words.ts';
import { starvationOf } from './client-starved.ts';
import { methodEvidence } from './probe-evidence.ts';
import { failing, failureEvidence, firstOf, servicesOf } from './say.ts';

/** A connection that is used less often than this has time to be forgotten by what is between. */
const RARE_PER_SECOND = 1;
/** Failures in a log that are this far apart are of a client that calls rarely. */
const FAR_APART_MS = 30_000;
/** How a call ends on a connection that is gone without a word. */
const CUT =
  /^DEADLINE_EXCEEDED|^UNAVAILABLE.*(ECONNRESET|connection reset|dropped|ETIMEDOUT|keepalive|broken pipe|closed)/i;
const SIDECAR = /^(istio-proxy|linkerd-proxy|envoy|consul-dataplane|kuma-sidecar)$/;

/** Something between drops connections that idle, without telling; the next call on one hangs. */
export const idleCut: Rule = {
  cause: 'idle-cut',
  judge: (situation) => {
    const cut = failing(situation, CUT);
    const fresh = situation.probed.find(answered);
    // Fresh connections must be well, where any was tried.
    if (cut.length === 0 || (situation.probed.length > 0 && !fresh)) return undefined;
    const rare = rarelyCalls(situation, cut);
    if (!rare || starvationOf(situation).length > 0 || hasKeepalive(situation)) return undefined;
    const between = firstOf(servicesOf(situation), (service) => whatIsBetween(situation, service));
    if (!between && !fresh) return undefined;
    return {
      cause: 'idle-cut',
      certainty: between && fresh ? 'certain' : between ? 'likely' : 'possible',
      summary: `calls after a pause run out of time, fresh ones do not: ${between ? `${between.value} between client and server` : 'something between'} forgets connections that idle`,
      evidence: [
        ...(between ? [between] : []),
        rare,
        ...(fresh ? [methodEvidence(fresh, 'a call on a connection of its own is answered')] : []),
        {
          fact: `settings of the client ${situation.client.ref}`,
          value: 'no keepalive',
          says: 'an idle connection carries nothing, so nobody notices that it is gone',
        },
        ...failureEvidence(cut, 'a call on an older connection is not'),
      ],
      fix: `let the client ${situation.client.ref} send keepalive pings (grpc.keepalive_time_ms below the idle time-out of what is between, grpc.keepalive_permit_without_calls=1), which the server must permit; or raise that time-out`,
    };
  },
};

function rarelyCalls({ agents, nowMs }: Situation, cut: readonly Failure[]): Evidence | undefined {
  const rates = agents.flatMap(({ workloads }) =>
    workloads.filter(({ status }) => status.running).map(({ spec }) => spec.ratePerSecond),
  );
  if (rates.length > 0) {
    const rate = Math.max(...rates);
    return rate <= RARE_PER_SECOND
      ? {
          fact: 'rate of the client',
          value: `${rate} calls a second`,
          says: 'connections idle between calls',
        }
      : undefined;
  }
  const apart = cut.find(
    ({ firstMs, lastMs, count: times }) =>
      firstMs !== undefined &&
      lastMs !== undefined &&
      times > 1 &&
      (lastMs - firstMs) / (times - 1) >= FAR_APART_MS &&
      nowMs >= lastMs,
  );
  return apart
    ? { fact: apart.where, value: count(apart.count, 'failure'), says: 'far apart: the client calls rarely' }
    : undefined;
}

/** Answers of other pods than those that are connected to: a relay, a mesh, an address that is no pod's. */
function whatIsBetween(situation: Situation, service: ServiceView): Evidence | undefined {
  const own = new Set(service.pods.map(({ name }) => name));
  const others = situation.agents
    .flatMap(({ workloads }) => workloads.flatMap(({ status }) => Object.keys(status.pods)))
    .filter((pod) => !own.has(pod));
  const seen = situation.probed.find(
    ({ address, method }) =>
      method?.pod !== undefined &&
      service.pods.some(({ ips, name }) => ips.includes(address) && name !== method.pod),
  );
  if (service.pods.length > 0 && (seen || others.length > 0))
    return {
      fact: seen ? `probe ${seen.where} method` : 'answers that the client got',
      value: listOf(
        service.pods.map(({ name }) => name),
        2,
      ),
      says: `the Service ${service.name} leads to it, but ${seen?.method?.pod ?? listOf([...new Set(others)], 2)} answers: it passes calls on`,
    };
  const strangers = service.endpoints.filter(({ pod }) => pod === undefined).map(({ address }) => address);
  if (!service.selector && strangers.length > 0)
    return {
      fact: `EndpointSlices of ${service.ref}`,
      value: listOf(strangers),
      says: 'no pod has this address: a load balancer, or another host',
    };
  const mesh = [...situation.client.containers, ...service.pods.flatMap(({ containers }) => containers)].find(
    ({ name }) => SIDECAR.test(name),
  );
  return (
    mesh && {
      fact: `container ${mesh.name}`,
      value: `the sidecar ${mesh.name}`,
      says: 'connections go through it',
    }
  );
}

function hasKeepalive({ agents, client }: Situation): boolean {
  const told = agents.some(({ workloads }) =>
    workloads.some(({ spec }) => Number(spec.channelOptions['grpc.keepalive_time_ms'] ?? 0) > 0),
  );
  return (
    told ||
    client.containers.some(
      ({ env, words }) =>
        env.some(({ name }) => /KEEP_?ALIVE/i.test(name)) || words.some((word) => /keep-?alive/i.test(word)),
    )
  );
}
