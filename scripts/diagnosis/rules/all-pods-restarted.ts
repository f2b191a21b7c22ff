import { formatDuration } from '../../common/duration.ts';
import type { Evidence, Rule } from '../rule.ts';
import {
  brokenLayer,
  type Failure,
  type PodView,
  type ServiceView,
  type Situation,
} from '../situation/index.ts';
import { count } from '../words.ts';
import { failureEvidence, firstOf, kubectl, servicesOf, workloadRef } from './say.ts';

/** Pods that come up within this time of each other were not replaced one after another. */
const AT_ONCE_MS = 15_000;
const LATELY_MS = 15 * 60_000;
/** Calls fail from when the old pods go, which is before the new ones are there, until clients have found these. */
const BEFORE_MS = 60_000;
const AFTER_MS = 90_000;
/** How calls end that have nobody to go to. */
const LOST = /^(UNAVAILABLE|DEADLINE_EXCEEDED|CANCELLED|INTERNAL|UNKNOWN)$/;
/** A client that found the new pods is told of for as long. */
const OVER_MS = 15_000;

/** Every server was replaced, or restarted, at once: there was nobody to call, and clients hold dead addresses. */
export const allPodsRestarted: Rule = {
  cause: 'all-pods-restarted',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) => {
      const { nowMs, client } = situation;
      const ready = service.pods.filter((pod) => pod.ready);
      const starts = ready.flatMap((pod) => startOf(pod) ?? []);
      const [first, last] = [Math.min(...starts), Math.max(...starts)];
      if (ready.length === 0 || starts.length < ready.length || last - first > AT_ONCE_MS) return undefined;
      const clientSince = Math.min(...client.pods.flatMap((pod) => startOf(pod) ?? []));
      if (nowMs - last > LATELY_MS || !(clientSince < first)) return undefined;

      // Where calls fail that get to the new pods, it is not that these are new.
      if (failsNow(situation, ready)) return undefined;
      const failures = situation.calls.failures.filter((failure) => isOfThen(failure, first, last, nowMs));
      // The kernel tries to reach an address that is gone for two minutes, also when nobody waits for it any more.
      const stale = situation.calls.answering ? [] : staleAddresses(situation, service);
      if (failures.length === 0 && stale.length === 0) return undefined;
      const isReplaced = ready.every(({ createdMs }) => createdMs !== undefined && createdMs > clientSince);
      const [pod] = ready;
      const evidence: Evidence[] = [
        {
          fact: `Pods of ${service.ref} ${isReplaced ? 'creationTimestamp' : 'state.running.startedAt'}`,
          value: `${count(ready.length, 'pod')}, ${formatDuration(nowMs - first)} to ${formatDuration(nowMs - last)} ago`,
          says: `all of them ${isReplaced ? 'were created' : 'started again'} within ${formatDuration(last - first)}: there was a time without any`,
        },
        ...failureEvidence(
          failures,
          `the client, which is older, has failed since ${failures[0]?.firstMs ? new Date(failures[0].firstMs).toISOString() : 'then'}`,
        ),
        ...stale.slice(0, 2).map((address) => ({
          fact: 'connections of the client',
          value: address,
          says: 'no pod has this address any more',
        })),
      ];
      return {
        cause: 'all-pods-restarted',
        certainty:
          failures.some(({ firstMs }) => firstMs !== undefined) || stale.length > 0 ? 'certain' : 'likely',
        summary: `all ${count(ready.length, 'pod')} behind the Service ${service.name} ${isReplaced ? 'were replaced' : 'restarted'} at once, ${formatDuration(nowMs - last)} ago`,
        evidence,
        fix: `clients find the new pods when they resolve again; hasten it by ${kubectl(client.namespace, `rollout restart ${client.kind.toLowerCase()}/${client.name}`)}; replace servers one by one (${pod ? kubectl(pod.namespace, `rollout restart ${workloadRef(pod)}`) : 'rollout restart'}, a PodDisruptionBudget)`,
      };
    }),
};

/** A way to a pod that is Ready is broken, or calls fail that were sent to somebody. */
function failsNow({ probed, calls }: Situation, ready: readonly PodView[]): boolean {
  const ips = new Set(ready.flatMap((pod) => pod.ips));
  return (
    probed.some((probe) => ips.has(probe.address) && brokenLayer(probe) !== undefined) ||
    calls.current.some(({ code, message }) => !LOST.test(code) || /remote_addr=/.test(message))
  );
}

/** When its containers that run began to. */
function startOf({ containers, createdMs }: PodView): number | undefined {
  const starts = containers.flatMap(({ init, state }) =>
    !init && state.kind === 'running' && state.sinceMs !== undefined ? [state.sinceMs] : [],
  );
  return starts.length > 0 ? Math.max(...starts) : createdMs;
}

function isOfThen(
  { code, firstMs, lastMs, current }: Failure,
  first: number,
  last: number,
  nowMs: number,
): boolean {
  if (!LOST.test(code)) return false;
  const isFresh = current || (lastMs !== undefined && nowMs - lastMs <= OVER_MS);
  const began = firstMs === undefined || (firstMs >= first - BEFORE_MS && firstMs <= last + AFTER_MS);
  return isFresh && began;
}

/** Addresses to which the client has or makes connections, that no pod of the Service has. */
function staleAddresses({ agents }: Situation, service: ServiceView): string[] {
  if (!service.headless) return [];
  const known = new Set([
    ...service.pods.flatMap(({ ips }) => ips),
    ...service.endpoints.map(({ address }) => address),
  ]);
  const ports = new Set(service.endpoints.flatMap((endpoint) => endpoint.ports));
  return agents.flatMap(({ sockets }) =>
    (sockets?.connections ?? [])
      .filter(
        ({ state, remoteAddress, remotePort }) =>
          /ESTABLISHED|SYN_SENT/.test(state) && ports.has(remotePort) && !known.has(remoteAddress),
      )
      .map(({ remoteAddress, remotePort, state }) => `${remoteAddress}:${remotePort} ${state}`),
  );
}
