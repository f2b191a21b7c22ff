import type { Incident } from '../incident.ts';
import { goesOn, onePod } from '../symptoms/expectations.ts';
import { setEnv, targetOf } from '../world.ts';

export default {
  name: 'one-pod-hot',
  order: 15,
  symptom: 'One pod of several does all the work of a client.',
  cause: 'The client has one connection: through a ClusterIP, or by pick_first.',
  underneath:
    'kube-proxy chooses a pod for each connection, not for each call, and gRPC sends all calls of a channel over one HTTP/2 connection. Behind a ClusterIP no policy of the client can change that: it knows one address. pick_first does the same with many addresses.',
  confirm: ({ namespace, clientNamespace, server, client }) => [
    {
      command: `kubectl -n ${clientNamespace} set env deployment/${client} --list | grep -E 'TARGET|POLICY'`,
      shows: 'a ClusterIP Service, or pick_first',
    },
    {
      command: `kubectl -n ${namespace} top pods -l app.kubernetes.io/name=${server}`,
      shows: 'one busy pod',
    },
  ],
  fix: 'Dial a headless Service with the policy round_robin, or put a proxy in between that balances calls (Envoy, a mesh).',
  prevent: ['Headless Services for gRPC', 'round_robin in the default service config of the clients'],
  variants: {
    'cluster-ip': {
      about: 'the client dials the ClusterIP',
      change({ client }, world) {
        setEnv(client, { GREETER_TARGET: targetOf(world, world.service) });
      },
      expect: { connected: goesOn, fresh: onePod },
    },
    'pick-first': {
      about: 'the client has the policy pick_first',
      change({ client }) {
        setEnv(client, { GREETER_POLICY: 'pick_first' });
      },
      expect: { connected: goesOn, fresh: onePod },
    },
  },
} satisfies Incident;
