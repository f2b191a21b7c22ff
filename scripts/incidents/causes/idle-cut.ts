import type { Manifest } from '../../cluster/index.ts';
import { cutIdle } from '../actions.ts';
import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';
import { containerOf, type Draft, gatewayOf, setEnv, targetOf, WORLD_LABEL, type World } from '../world.ts';

/** A TCP relay between the clients and the servers, as a firewall, a NAT or a load balancer is one. */
function withGateway({ server, client, earlier, others }: Draft, world: World): void {
  const { namespace, service, servicePort } = world;
  const name = gatewayOf(world);
  const labels = { 'app.kubernetes.io/name': name };
  const metadata = { name, namespace, labels: { ...labels, [WORLD_LABEL]: namespace } };
  const relay = structuredClone(server);
  relay.metadata = metadata;
  relay.spec.replicas = 1;
  relay.spec.selector = { matchLabels: labels };
  relay.spec.template.metadata = { labels };
  const container = containerOf(relay);
  container.name = 'gateway';
  container.command = ['node', '/app/relay.js'];
  container.ports = [
    { name: 'grpc', containerPort: 9090 },
    { name: 'control', containerPort: 8080 },
  ];
  delete container.readinessProbe;
  setEnv(relay, {
    GRPC_PORT: undefined,
    DRAIN: undefined,
    DRAIN_DELAY_MS: undefined,
    RELAY_PORT: '9090',
    RELAY_TARGET: `${service}.${namespace}:${servicePort}`,
  });
  const port = { name: 'grpc', port: servicePort, targetPort: 'grpc' };
  const gateway = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { selector: labels, ports: [port] },
  };
  others.push(relay as Manifest, gateway as Manifest);
  for (const each of [client, earlier]) {
    setEnv(each, { GREETER_TARGET: targetOf(world, name), GREETER_RATE_PER_SECOND: '0.15' });
  }
}

export default {
  name: 'idle-cut',
  order: 24,
  symptom: 'The first call after a quiet time hangs until its deadline; under load all is well.',
  cause: 'Something between drops idle connections without telling either side.',
  underneath:
    'Firewalls, NAT gateways and load balancers forget connections that are idle for some minutes. Neither end gets a FIN or a reset: the client sends its next call into a hole, and TCP tries again for many minutes before it gives up. Keepalive is off in gRPC unless it is asked for.',
  confirm: ({ clientNamespace, client }) => [
    {
      command: `kubectl -n ${clientNamespace} logs deploy/${client} | grep DEADLINE_EXCEEDED`,
      shows: 'calls that time out, each after a quiet time; a fresh process works',
    },
  ],
  fix: 'Turn keepalive on in the client (grpc.keepalive_time_ms below the idle time-out, with keepalive_permit_without_calls), and allow it in the server; or close idle connections first (grpc.client_idle_timeout_ms, max connection idle).',
  prevent: [
    'Keepalive in the default channel options',
    "Know the idle time-outs on the way: the cloud's NAT, the load balancer, the mesh",
  ],
  variants: {
    gateway: {
      about:
        'a gateway between client and servers forgets connections after 4 s without a byte; calls come every 7 s',
      before: withGateway,
      actions: [cutIdle(4000)],
      // A call just before 4 s are over goes well; the next comes 7 s later, and takes its deadline to fail.
      showsAfterMs: 14_000,
      expect: { connected: failsWith('DEADLINE_EXCEEDED'), fresh: goesOn },
    },
  },
} satisfies Incident;
