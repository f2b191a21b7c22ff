import type { Incident } from '../incident.ts';
import { goesOn, onlyFails } from '../symptoms/expectations.ts';
import { setEnv } from '../world.ts';

export default {
  name: 'proto-mismatch',
  order: 20,
  symptom: 'UNIMPLEMENTED for every call of one client.',
  cause: 'Client and server disagree on the .proto: a service, package or method was renamed.',
  underneath:
    'A method is known by the path /package.Service/Method. A server that does not have it answers UNIMPLEMENTED over a healthy connection: nothing of the network is wrong.',
  confirm: ({ namespace, server, grpcPort }) => [
    {
      command: `kubectl -n ${namespace} port-forward deploy/${server} ${grpcPort} & grpcurl -plaintext localhost:${grpcPort} list`,
      shows: 'the services that the server has (by reflection)',
    },
  ],
  fix: 'Serve the old and the new name until every client has changed, or deploy the client from the same .proto.',
  prevent: ['buf breaking in CI', 'Versions in package names, old ones served on'],
  variants: {
    package: {
      about: 'the client calls the service by another package name',
      change({ client }) {
        setEnv(client, { GREETER_METHOD: '/greet.v2.Greeter/SayHello' });
      },
      expect: { connected: goesOn, fresh: onlyFails('UNIMPLEMENTED') },
    },
    method: {
      about: 'the client calls a method that the service does not have',
      change({ client }) {
        setEnv(client, { GREETER_METHOD: '/greet.Greeter/SayHi' });
      },
      expect: { connected: goesOn, fresh: onlyFails('UNIMPLEMENTED') },
    },
  },
} satisfies Incident;
