import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';
import { setEnv, targetOf } from '../world.ts';

export default {
  name: 'wrong-service-port',
  order: 3,
  symptom: 'Refused or timed out after the client was deployed with another port, or with none.',
  cause: 'The client dials a port that the Service does not have.',
  underneath:
    'Without a port a gRPC target means 443. On a ClusterIP a port that the Service does not list has no rule: depending on the mode of kube-proxy the connection is refused or its packets are dropped. On a headless name the client dials the pods themselves, which refuse.',
  confirm: ({ namespace, clientNamespace, service, client }) => [
    {
      command: `kubectl -n ${clientNamespace} set env deployment/${client} --list | grep TARGET`,
      shows: 'the target that the client dials',
    },
    { command: `kubectl -n ${namespace} get service ${service}`, shows: 'the ports that there are' },
  ],
  fix: 'Dial a port that the Service has; write it out, since the default is 443.',
  prevent: [
    'Keep the target in one ConfigMap beside the Service',
    'Have the client try its targets when it starts, and be Ready only then',
  ],
  variants: {
    'other-port': {
      about: 'the target names a port that the Service does not have',
      change({ client }, world) {
        setEnv(client, { GREETER_TARGET: targetOf(world, world.headless, world.servicePort + 7) });
      },
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE', /ECONNREFUSED/) },
    },
    'no-port': {
      about: 'the target names no port, which means 443',
      change({ client }, world) {
        setEnv(client, { GREETER_TARGET: targetOf(world, world.headless, undefined).replace(/:\d+$/, '') });
      },
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE', /ECONNREFUSED/) },
    },
    'cluster-ip': {
      about: 'the target names a port that the ClusterIP does not have',
      change({ client }, world) {
        setEnv(client, { GREETER_TARGET: targetOf(world, world.service, world.servicePort + 7) });
      },
      expect: { connected: goesOn, fresh: failsWith(['UNAVAILABLE', 'DEADLINE_EXCEEDED']) },
    },
  },
} satisfies Incident;
