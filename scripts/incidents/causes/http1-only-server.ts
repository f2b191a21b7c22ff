import type { Incident } from '../incident.ts';
import { failsWith } from '../symptoms/expectations.ts';
import { readyByControlPort, setEnv } from '../world.ts';

export default {
  name: 'http1-only-server',
  order: 10,
  symptom: 'Connected over TCP, and every call fails with UNAVAILABLE or INTERNAL at once.',
  cause: 'The server, or a proxy in front of it, speaks HTTP/1.1 only.',
  underneath:
    'gRPC needs HTTP/2 from end to end. A server or proxy that knows HTTP/1.1 answers the preface of HTTP/2 with "HTTP/1.1 400 Bad Request" or closes: the client sees a connection that breaks before its first call.',
  confirm: ({ namespace, service, servicePort }) => [
    {
      command: `kubectl -n ${namespace} port-forward service/${service} 8443:${servicePort} & curl --http2-prior-knowledge -v http://localhost:8443/`,
      shows: 'no HTTP/2: "Remote peer returned unexpected data", while plain curl is answered',
    },
  ],
  fix: 'Turn HTTP/2 without TLS (h2c) on in the server or proxy, for example `appProtocol: kubernetes.io/h2c` or `grpc_pass` in place of `proxy_pass`.',
  prevent: ['A grpc readiness probe instead of a TCP one', 'An end-to-end call in the deployment pipeline'],
  variants: {
    server: {
      about: 'the server serves HTTP/1.1 on its gRPC port',
      before: ({ server }) => readyByControlPort(server),
      change({ server }) {
        setEnv(server, { GRPC_PROTOCOL: 'http1' });
      },
      expect: {
        connected: failsWith(['UNAVAILABLE', 'INTERNAL']),
        fresh: failsWith(['UNAVAILABLE', 'INTERNAL']),
      },
    },
  },
} satisfies Incident;
