import type { Incident } from '../incident.ts';
import { failsWith } from '../symptoms/expectations.ts';

export default {
  name: 'scaled-to-zero',
  order: 13,
  symptom:
    'UNAVAILABLE: Name resolution failed, or connection refused through the ClusterIP; there is no server pod.',
  cause: 'The Deployment has no replica.',
  underneath:
    'Without pods the EndpointSlices are empty: a headless name has no record, a ClusterIP refuses. Clients that were connected keep the last addresses that they knew and dial them in vain.',
  confirm: ({ namespace, server }) => [
    { command: `kubectl -n ${namespace} get deployment ${server}`, shows: '0/0' },
  ],
  fix: 'kubectl scale deployment … --replicas=N; find who scaled it: an autoscaler with minReplicas 0, a job, a hand.',
  prevent: [
    'minReplicas of at least 1 (2, with a PodDisruptionBudget)',
    'Alert on a Service without ready endpoints',
  ],
  variants: {
    replicas: {
      about: 'the server has 0 replicas',
      change({ server }) {
        server.spec.replicas = 0;
      },
      expect: {
        connected: failsWith(['UNAVAILABLE', 'DEADLINE_EXCEEDED']),
        fresh: failsWith('UNAVAILABLE', /Name resolution failed/),
      },
    },
  },
} satisfies Incident;
