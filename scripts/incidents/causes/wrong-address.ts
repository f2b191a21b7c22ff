import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';
import { setEnv } from '../world.ts';

export default {
  name: 'wrong-address',
  order: 4,
  symptom: 'UNAVAILABLE: Name resolution failed, in the new version of the client alone.',
  cause: 'The client dials a name, or a namespace, that does not exist.',
  underneath:
    'CoreDNS answers NXDOMAIN for a Service that is not there; the resolver reports an error to the channel, and every call that does not wait for ready fails at once with it. gRPC tries again with back-off for as long as the channel lives.',
  confirm: ({ namespace, clientNamespace, client }) => [
    {
      command: `kubectl -n ${clientNamespace} set env deployment/${client} --list | grep TARGET`,
      shows: 'the name that the client asks for',
    },
    { command: `kubectl -n ${namespace} get services`, shows: 'that it is none of these' },
  ],
  fix: 'Dial the name of a Service that exists: name, name.namespace or name.namespace.svc.cluster.local.',
  prevent: [
    'Render the target from the same values as the Service',
    'Be Ready only after a first resolution: the rollout stops at the first pod',
  ],
  variants: {
    name: {
      about: 'a letter of the name is wrong',
      change({ client }, { headless, servicePort, namespace }) {
        const misspelt = headless.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x'));
        setEnv(client, { GREETER_TARGET: `dns:///${misspelt}.${namespace}:${servicePort}` });
      },
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE', /Name resolution failed/) },
    },
    namespace: {
      about: 'the namespace in the name does not exist',
      change({ client }, { headless, servicePort, namespace }) {
        setEnv(client, { GREETER_TARGET: `dns:///${headless}.${namespace}-old:${servicePort}` });
      },
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE', /Name resolution failed/) },
    },
  },
} satisfies Incident;
