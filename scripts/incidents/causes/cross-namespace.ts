import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';
import { setEnv } from '../world.ts';

export default {
  name: 'cross-namespace',
  order: 25,
  symptom: 'Name resolution failed in a client that was copied, or moved, to another namespace.',
  cause: 'The client uses the short name of a Service that is in another namespace.',
  underneath:
    'A short name is completed by the search domains of the pod, the first of which is its own namespace: the same name means another Service, or none, elsewhere.',
  confirm: ({ clientNamespace, client, headless }) => [
    {
      command: `kubectl -n ${clientNamespace} set env deployment/${client} --list | grep TARGET`,
      shows: 'a name without a namespace',
    },
    { command: `kubectl get services --all-namespaces | grep ${headless}`, shows: 'that it is elsewhere' },
  ],
  fix: 'Write the namespace into the name: service.namespace (or service.namespace.svc.cluster.local, which takes fewer queries).',
  prevent: ['Full names in everything that is shared between namespaces'],
  variants: {
    'short-name': {
      about: 'the target is the short name',
      change({ client }, { headless, servicePort }) {
        setEnv(client, { GREETER_TARGET: `dns:///${headless}:${servicePort}` });
      },
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE', /Name resolution failed/) },
    },
  },
  world: (world) => ({ ...world, clientNamespace: `${world.namespace}-clients` }),
} satisfies Incident;
