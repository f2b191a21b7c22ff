import type { Incident } from '../incident.ts';
import { failsWith } from '../symptoms/expectations.ts';
import { readyByControlPort, setEnv } from '../world.ts';

export default {
  name: 'bound-to-localhost',
  order: 27,
  symptom:
    'Connection refused by every pod, though the server logs that it listens, and works from within the pod.',
  cause: 'The server listens on 127.0.0.1 only.',
  underneath:
    "127.0.0.1 is the pod's own loopback interface: what listens there can be reached from the same pod alone. Exec probes and port-forward go there too, so they pass.",
  confirm: ({ namespace, server }) => [
    {
      command: `kubectl -n ${namespace} exec deploy/${server} -- cat /proc/net/tcp`,
      shows: 'state 0A (LISTEN) with local address 0100007F, which is 127.0.0.1',
    },
  ],
  fix: "Listen on 0.0.0.0 (or [::], or the pod's address).",
  prevent: [
    'Addresses to listen on from the environment, 0.0.0.0 by default in images',
    'Probes over the network instead of exec',
  ],
  variants: {
    loopback: {
      about: 'gRPC listens on 127.0.0.1; readiness is asked on another port',
      before: ({ server }) => readyByControlPort(server),
      change({ server }) {
        setEnv(server, { GRPC_BIND_ADDRESS: '127.0.0.1' });
      },
      expect: {
        connected: failsWith('UNAVAILABLE', /ECONNREFUSED/),
        fresh: failsWith('UNAVAILABLE', /ECONNREFUSED/),
      },
    },
  },
} satisfies Incident;
