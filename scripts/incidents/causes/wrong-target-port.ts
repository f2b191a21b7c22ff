import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';
import { setEnv, targetOf } from '../world.ts';

export default {
  name: 'wrong-target-port',
  order: 2,
  symptom: 'Connection refused through the ClusterIP, though all pods are Ready.',
  cause: 'The targetPort of the Service is not the port that the server listens on.',
  underneath:
    'kube-proxy sends each new connection of a ClusterIP to a ready pod on the targetPort, whether or not somebody listens there: the pod answers with a reset. Readiness probes have a port of their own and know nothing of the Service. A headless name ignores targetPort, so clients of that go on.',
  confirm: ({ namespace, service, server }) => [
    {
      command: `kubectl -n ${namespace} get endpointslices -l kubernetes.io/service-name=${service} -o jsonpath='{.items[*].ports}'`,
      shows: 'the port that connections are sent to',
    },
    {
      command: `kubectl -n ${namespace} get pods -l app.kubernetes.io/name=${server} -o jsonpath='{.items[0].spec.containers[*].ports}'`,
      shows: 'another port that the container listens on',
    },
  ],
  fix: 'Name the port in the container and use the name as targetPort.',
  prevent: [
    'Named ports: a name that no container has gives a Service without ports in its slices, which shows',
    'A smoke test through the Service, not to a pod, after each deploy',
  ],
  variants: {
    number: {
      about: 'targetPort is the next port, on which nobody listens',
      // One server: with more, a ClusterIP would be an incident of its own, one-pod-hot.
      before({ server, client, earlier }, world) {
        server.spec.replicas = 1;
        for (const each of [client, earlier])
          setEnv(each, { GREETER_TARGET: targetOf(world, world.service) });
      },
      change({ service, headless }, { grpcPort }) {
        for (const each of [service, headless])
          for (const port of each.spec.ports ?? []) port.targetPort = grpcPort + 1;
      },
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE') },
    },
  },
} satisfies Incident;
