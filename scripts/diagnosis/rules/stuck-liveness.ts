import type { Evidence, Rule } from '../rule.ts';
import { type ContainerView, type PodView, type Situation, serversOf } from '../situation/index.ts';
import { count } from '../words.ts';
import { probeFailures, saidOf } from './probe-events.ts';
import { firstOf, grpcPorts, patchPod, servicesOf } from './say.ts';

const LATELY_MS = 10 * 60_000;
/** Nothing answers in time, though something listens. */
const SLOW = /timeout|timed out|deadline ?exceeded/i;
/** How SIGTERM and SIGKILL end a program, and a program that drains ends itself. */
const KILLED = new Set([143, 137, 0]);

/** A liveness probe kills slow but healthy pods, again and again. */
export const stuckLiveness: Rule = {
  cause: 'stuck-liveness',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) =>
      firstOf(serversOf(service), (pod) => {
        const container = pod.containers.find((each) => isKilled(each, pod, situation));
        const probe = container?.probes.find(({ kind }) => kind === 'liveness');
        if (!container || !probe) return undefined;
        const isWrongTongue =
          probe.how === 'http' && probe.port !== undefined && grpcPorts(pod)[0] === probe.port;
        const said = probeFailures(pod, 'liveness');
        const slow = said.findLast(({ message }) => SLOW.test(message));
        const killing = pod.events.findLast(({ message }) => /failed liveness probe/i.test(message));
        if (isWrongTongue && !slow) return undefined;
        const evidence: Evidence[] = [
          ...saidOf(pod, slow ?? said.at(-1), 'the kubelet holds it for dead'),
          ...saidOf(pod, killing, 'so it is killed'),
          {
            fact: `Pod ${pod.ref} container ${container.name} restartCount`,
            value: String(container.restarts),
            says: container.last
              ? `the last time it ended with ${container.last.exitCode}: by a signal`
              : 'again and again',
          },
          {
            fact: `Pod ${pod.ref} container ${container.name} livenessProbe`,
            value: `${probe.how}, timeoutSeconds ${probe.timeoutSeconds}, periodSeconds ${probe.periodSeconds}, failureThreshold ${probe.failureThreshold}`,
            says: `${count(probe.failureThreshold, 'answer')} in a row that take longer than ${probe.timeoutSeconds} s are its end`,
          },
        ];
        return {
          cause: 'stuck-liveness',
          certainty: slow ? 'certain' : 'likely',
          summary: `the liveness probe of ${container.name} kills ${pod.name} and its like, which ${slow ? 'are slow, not dead' : 'were running'} (${count(container.restarts, 'restart')})`,
          evidence,
          fix: patchPod(
            pod,
            `${container.path}/livenessProbe/timeoutSeconds`,
            Math.max(5, probe.timeoutSeconds * 5),
          ),
        };
      }),
    ),
};

function isKilled(container: ContainerView, pod: PodView, { nowMs }: Situation): boolean {
  const { restarts, last, state } = container;
  const end = state.kind === 'terminated' ? state : last;
  const isNews = (atMs: number | undefined) => atMs === undefined || nowMs - atMs < LATELY_MS;
  const said = pod.events.some(
    ({ message, lastMs }) => /^liveness probe failed|failed liveness probe/i.test(message) && isNews(lastMs),
  );
  return restarts > 0 && said && (end === undefined || (KILLED.has(end.exitCode) && isNews(end.endedMs)));
}
