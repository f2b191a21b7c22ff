import type { Evidence, Rule } from '../rule.ts';
import { type ContainerView, hasReady, type PodView, type Situation, serversOf } from '../situation/index.ts';
import { count, listOf, shorten } from '../words.ts';
import { firstOf, kubectl, servicesOf, workloadRef } from './say.ts';
import { endpointsEvidence } from './selector-mismatch.ts';

/** A container that lives shorter than this each time does not get past its start. */
const SHORT_LIFE_MS = 60_000;
const LATELY_MS = 5 * 60_000;

/** The server ends by itself, again and again. */
export const crashLoop: Rule = {
  cause: 'crash-loop',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) =>
      firstOf(serversOf(service), (pod) => {
        const container = pod.containers.find(
          (each) => isCrashing(each, situation) && !isKilledByProbe(each, pod),
        );
        if (!container) return undefined;
        const end = endOf(container);
        const others = serversOf(service).filter(({ ready }) => ready);
        const evidence: Evidence[] = [
          {
            fact: `Pod ${pod.ref} container ${container.name} state`,
            value: container.state.kind === 'waiting' ? container.state.reason : container.state.kind,
            says: `it was restarted ${count(container.restarts, 'time')}`,
          },
          ...(end
            ? [
                {
                  fact: `Pod ${pod.ref} container ${container.name} last state`,
                  value: shorten(`exit code ${end.exitCode}, ${end.reason} ${end.message}`),
                  says: 'it ended by itself: no probe failed',
                },
              ]
            : []),
          ...lastWords(pod, container),
          ...endpointsEvidence(service),
        ];
        return {
          cause: 'crash-loop',
          certainty: hasReady(service) ? 'likely' : 'certain',
          summary: `the container ${container.name} of ${pod.ref} exits ${end ? `with ${end.exitCode} ` : ''}at start, again and again${
            others.length > 0
              ? `; ${listOf(
                  others.map(({ name }) => name),
                  2,
                )} serve`
              : ''
          }`,
          evidence,
          fix:
            end?.reason === 'OOMKilled'
              ? `${kubectl(pod.namespace, `set resources ${workloadRef(pod)} -c ${container.name} --limits=memory=<more>`)} (it was killed for its memory)`
              : `mend what its last words say (${kubectl(pod.namespace, `logs ${pod.name} -c ${container.name} --previous`)}), or ${kubectl(pod.namespace, `rollout undo ${workloadRef(pod)}`)}`,
        };
      }),
    ),
};

const endOf = ({ state, last }: ContainerView) => (state.kind === 'terminated' ? state : last);

function isCrashing(container: ContainerView, { nowMs }: Situation): boolean {
  const { state, last, restarts, init } = container;
  if (state.kind === 'waiting')
    return /^(CrashLoopBackOff|RunContainerError|CreateContainerError|CreateContainerConfigError)$/.test(
      state.reason,
    );
  if (state.kind === 'terminated') return init ? state.exitCode !== 0 : state.exitCode !== 0 || restarts > 0;
  if (init || !last || restarts < 2 || last.exitCode === 0) return false;
  const life = (last.endedMs ?? 0) - (last.startedMs ?? 0);
  return life < SHORT_LIFE_MS && nowMs - (last.endedMs ?? 0) < LATELY_MS;
}

/** The kubelet says so, and ends it by a signal. */
export const isKilledByProbe = (container: ContainerView, { events }: PodView): boolean =>
  events.some(
    ({ message }) =>
      /failed (liveness|startup) probe/i.test(message) &&
      // Source: kubernetes/kubernetes, pkg/kubelet/kuberuntime: "Container NAME failed liveness probe, will be restarted".
      (message.includes(container.name) || /^(liveness|startup)/i.test(message)),
  );

/** The last lines of the container that ended. */
function lastWords(pod: PodView, { name }: ContainerView): Evidence[] {
  const logs = pod.logs.filter(({ container }) => container === name);
  const log = logs.find(({ previous }) => previous) ?? logs[0];
  const lines = log?.lines.filter((line) => line.trim() !== '') ?? [];
  const telling = lines.findLast((line) =>
    /error|panic|fatal|exception|cannot|must|missing|refused|denied/i.test(line),
  );
  const line = telling ?? lines.at(-1);
  return line === undefined
    ? []
    : [{ fact: `log of ${pod.ref} (${name})`, value: shorten(line), says: 'its last words' }];
}
