import type { Incident } from '../incident.ts';
import { failsWith } from '../symptoms/expectations.ts';
import { askReadiness } from '../world.ts';

export default {
  name: 'readiness-failing',
  order: 5,
  symptom: 'Everything runs, and nothing answers: pods are 0/1 Ready after a deploy.',
  cause: 'The readiness probe never succeeds.',
  underneath:
    'A pod that is not Ready is in no DNS answer and behind no ClusterIP, however well its server works. Here all were replaced at once, so that the Service has no ready endpoint left; with a careful rolling update the old pods would go on serving, and the rollout would hang.',
  confirm: ({ namespace, server }) => [
    {
      command: `kubectl -n ${namespace} get pods -l app.kubernetes.io/name=${server}`,
      shows: '0/1 Ready, Running, no restart',
    },
    {
      command: `kubectl -n ${namespace} get events --field-selector reason=Unhealthy`,
      shows: 'Readiness probe failed, with the answer that it got',
    },
  ],
  fix: 'Have the probe ask for what the server has: the service name that its health service knows ("" is the whole server), a path that exists.',
  prevent: [
    'RollingUpdate with maxUnavailable 0: a broken probe stops the rollout instead of the service',
    'Alert on kube_deployment_status_replicas_available below what is wanted',
  ],
  variants: {
    'unknown-service': {
      about: 'the gRPC probe asks for a service that the server does not know',
      change({ server }, { grpcPort }) {
        askReadiness(server, { grpc: { port: grpcPort, service: 'greet.v2.Greeter' } });
      },
      expect: {
        connected: failsWith('UNAVAILABLE'),
        fresh: failsWith('UNAVAILABLE', /Name resolution failed/),
      },
    },
    'missing-path': {
      about: 'the HTTP probe asks for a path that the server does not have',
      change({ server }) {
        askReadiness(server, { httpGet: { path: '/ready', port: 'control' } });
      },
      expect: {
        connected: failsWith('UNAVAILABLE'),
        fresh: failsWith('UNAVAILABLE', /Name resolution failed/),
      },
    },
  },
} satisfies Incident;
