import { deleteServers } from '../actions.ts';
import type { Incident } from '../incident.ts';
import { everyPod, failsWith } from '../symptoms/expectations.ts';

export default {
  name: 'all-pods-restarted',
  order: 12,
  symptom:
    'A burst of UNAVAILABLE in clients that run for long; a new one works, and so does a restarted one.',
  cause: 'Every server pod was replaced at once.',
  underneath:
    'All connections break, and the clients resolve again at once: while no new pod is Ready there is nothing to find. grpc-js resolves a name at most every 30 s, so a client goes on dialling addresses that are gone for up to that long after the new pods are Ready.',
  confirm: ({ namespace, server }) => [
    {
      command: `kubectl -n ${namespace} get pods -l app.kubernetes.io/name=${server}`,
      shows: 'the same short age for every pod, shorter than that of the clients',
    },
  ],
  fix: 'Wait for the next resolution (at most 30 s after Ready); replace pods a few at a time: kubectl rollout restart, with drain.',
  prevent: [
    'A PodDisruptionBudget with maxUnavailable',
    'RollingUpdate with maxUnavailable 0; pods that are spread over nodes',
    'A resolver that watches EndpointSlices instead of DNS',
  ],
  variants: {
    'deleted-at-once': {
      about: 'all server pods are deleted without a moment to end',
      actions: [deleteServers],
      expect: { connected: failsWith('UNAVAILABLE'), fresh: everyPod },
    },
  },
} satisfies Incident;
