import { sayNotServing } from '../actions.ts';
import type { Incident } from '../incident.ts';
import { goesOn } from '../symptoms/expectations.ts';
import { readyByControlPort } from '../world.ts';

export default {
  name: 'server-not-serving',
  order: 18,
  symptom:
    'Clients and proxies that check health call nobody, though every pod is Ready; plain clients notice nothing.',
  cause: 'The health service says NOT_SERVING, and the readiness probe does not ask it.',
  underneath:
    'gRPC health is a service like any other. A kubelet whose probe asks something else keeps the pod Ready; grpc-js does not ask at all; Go clients with healthCheckConfig, Envoy and load balancers do, and take the pod out.',
  confirm: ({ namespace, server, grpcPort }) => [
    {
      command: `kubectl -n ${namespace} port-forward deploy/${server} ${grpcPort} & grpcurl -plaintext localhost:${grpcPort} grpc.health.v1.Health/Check`,
      shows: 'NOT_SERVING',
    },
  ],
  fix: 'Find why the server says so (it is draining, or a dependency is down), and have the readiness probe ask the health service, so that Kubernetes knows it too.',
  prevent: ['readinessProbe: grpc with the service name that clients check'],
  variants: {
    health: {
      about: 'every server says NOT_SERVING; readiness is asked elsewhere',
      before: ({ server }) => readyByControlPort(server),
      actions: [sayNotServing],
      expect: { connected: goesOn, fresh: goesOn },
    },
  },
} satisfies Incident;
