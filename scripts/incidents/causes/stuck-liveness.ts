import type { Incident } from '../incident.ts';
import { failsWith } from '../symptoms/expectations.ts';
import { containerOf, readyByControlPort } from '../world.ts';

export default {
  name: 'stuck-liveness',
  order: 19,
  symptom: 'Bursts of UNAVAILABLE, and restarts that go up on pods that were well.',
  cause: 'A liveness probe kills slow but healthy pods again and again.',
  underneath:
    'The default time-out of a probe is one second. A probe that takes longer when the pod is busy, or a script that starts slowly, fails three times, and the kubelet kills a server that would have answered. The others get its load, and are next.',
  confirm: ({ namespace }) => [
    {
      command: `kubectl -n ${namespace} get events --field-selector reason=Unhealthy`,
      shows: 'Liveness probe failed: … timed out',
    },
    { command: `kubectl -n ${namespace} get pods`, shows: 'restarts, with a last state that a signal ended' },
  ],
  fix: 'Give the liveness probe a time-out and a failureThreshold that a busy pod stays within, or take it out: readiness is for "busy", liveness for "hopeless".',
  prevent: ['No liveness probe that depends on load', 'Alert on kube_pod_container_status_restarts_total'],
  variants: {
    'slow-script': {
      about: 'the liveness probe is a script that takes longer than its time-out',
      before: ({ server }) => readyByControlPort(server),
      change({ server }) {
        containerOf(server).livenessProbe = {
          exec: { command: ['node', '/app/health-probe.js', '--work', '3000'] },
          periodSeconds: 2,
          timeoutSeconds: 1,
          failureThreshold: 2,
        };
      },
      // Twice two seconds until the first kill, and its grace.
      showsAfterMs: 12_000,
      expect: { connected: failsWith('UNAVAILABLE'), fresh: failsWith('UNAVAILABLE') },
    },
  },
} satisfies Incident;
