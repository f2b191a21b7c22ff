import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';
import { setEnv } from '../world.ts';

export default {
  name: 'proxy-env',
  order: 28,
  symptom: 'UNAVAILABLE in one environment alone; the servers never see a connection from this client.',
  cause: "A proxy in the client's environment takes its calls: http_proxy, https_proxy or grpc_proxy.",
  underneath:
    'gRPC libraries honour the proxy variables of their environment and ask the proxy for a tunnel (CONNECT) to the target. A proxy for the internet does not know the names of the cluster, or is not there at all; no_proxy has to name what is inside.',
  confirm: ({ clientNamespace, client }) => [
    {
      command: `kubectl -n ${clientNamespace} exec deploy/${client} -- env | grep -i proxy`,
      shows: 'a proxy, and no no_proxy that covers the target',
    },
  ],
  fix: 'Add the cluster to no_proxy (.svc,.cluster.local and the short names), or turn the proxy off for gRPC: grpc.enable_http_proxy 0.',
  prevent: [
    'Proxy variables injected with a no_proxy that covers the cluster',
    'enable_http_proxy 0 for channels that stay inside',
  ],
  variants: {
    'http-proxy': {
      about: 'http_proxy names a proxy that does not exist',
      change({ client }) {
        setEnv(client, { http_proxy: 'http://proxy.corp.example:3128' });
      },
      expect: { connected: goesOn, fresh: failsWith(['UNAVAILABLE', 'DEADLINE_EXCEEDED']) },
    },
    'grpc-proxy': {
      about: 'grpc_proxy names a port on which nobody listens',
      change({ client }) {
        setEnv(client, { grpc_proxy: 'http://127.0.0.1:3128' });
      },
      expect: { connected: goesOn, fresh: failsWith(['UNAVAILABLE', 'DEADLINE_EXCEEDED']) },
    },
  },
} satisfies Incident;
