import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';
import { type Draft, setEnv, targetOf, type World } from '../world.ts';

/** What both Services are asked for; the lab's small Kubernetes takes no port below 1024. */
const PUBLIC_PORT = 8000;

function withPublicPort({ service, headless }: Draft): void {
  for (const each of [service, headless])
    each.spec.ports = [{ name: 'grpc', port: PUBLIC_PORT, targetPort: 'grpc' }];
}

function dialThePod(deployment: Draft['client'], world: World): void {
  setEnv(deployment, { GREETER_TARGET: targetOf(world, world.headless, world.grpcPort) });
}

export default {
  name: 'headless-port',
  order: 26,
  symptom: 'Connection refused through the headless Service, on the port that works with the ClusterIP.',
  cause: 'A headless Service maps one port to another, and the client dials the first.',
  underneath:
    'A headless name is nothing but the addresses of the pods: no proxy is in between that could map a port to a targetPort. The client dials the port that it was given, where no container listens.',
  confirm: ({ namespace, headless }) => [
    {
      command: `kubectl -n ${namespace} get service ${headless} -o jsonpath='{.spec.clusterIP} {.spec.ports}'`,
      shows: 'None, and a port other than the targetPort',
    },
  ],
  fix: "Dial the container's port, or give the headless Service the same number for both.",
  prevent: [
    'port equal to targetPort in every headless Service',
    'SRV records, where the resolver reads them',
  ],
  variants: {
    mapped: {
      about: `the client dials ${PUBLIC_PORT}, which the headless Service maps to the port of the pods`,
      before(draft, world) {
        withPublicPort(draft);
        for (const each of [draft.client, draft.earlier]) dialThePod(each, world);
      },
      change({ client }, world) {
        setEnv(client, { GREETER_TARGET: targetOf(world, world.headless, PUBLIC_PORT) });
      },
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE', /ECONNREFUSED/) },
    },
  },
} satisfies Incident;
