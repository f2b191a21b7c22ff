import type { Incident } from '../incident.ts';
import { everyPod, onlyOldPods } from '../symptoms/expectations.ts';

export default {
  name: 'new-replicas-idle',
  order: 14,
  symptom: 'Scaled out, and the new pods have nothing to do while the old ones are as busy as before.',
  cause: 'Connected clients do not look for new pods: nothing closes their connections.',
  underneath:
    'A gRPC channel resolves its name when a connection is lost, and at no other time. As long as the servers have no maximum connection age, nothing is lost, and pods that come later are never found.',
  confirm: ({ namespace, server }) => [
    {
      command: `kubectl -n ${namespace} top pods -l app.kubernetes.io/name=${server}`,
      shows: 'CPU on the old pods alone (where there is a metrics-server)',
    },
    {
      command: `kubectl -n ${namespace} set env deployment/${server} --list | grep -i AGE`,
      shows: 'no maximum connection age',
    },
  ],
  fix: 'Give the servers a maximum connection age (grpc.max_connection_age_ms, 30 s to some minutes), or the clients a resolver that watches or polls. Restarting the clients helps once.',
  prevent: ['Maximum connection age in every gRPC server', 'Alert on the spread of requests over pods'],
  variants: {
    'scale-out': {
      about: 'the server has three replicas more, and no maximum connection age',
      change({ server }, { replicas }) {
        server.spec.replicas = replicas + 3;
      },
      // A client that looks by itself would have found them by then.
      showsAfterMs: 5000,
      expect: { connected: onlyOldPods, fresh: everyPod },
    },
  },
} satisfies Incident;
