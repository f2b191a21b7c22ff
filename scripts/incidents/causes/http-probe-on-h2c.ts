import type { Incident } from '../incident.ts';
import { failsWith } from '../symptoms/expectations.ts';
import { askReadiness } from '../world.ts';

export default {
  name: 'http-probe-on-h2c',
  order: 6,
  symptom: 'Pods never get Ready; the probe says "malformed HTTP response" or a connection that was closed.',
  cause: 'An httpGet probe speaks HTTP/1.1 to a port where gRPC speaks HTTP/2 without TLS.',
  underneath:
    'The kubelet makes httpGet probes with HTTP/1.1. A gRPC server in the clear expects the preface of HTTP/2 and closes, or answers with binary frames: the probe fails for ever.',
  confirm: ({ namespace }) => [
    {
      command: `kubectl -n ${namespace} get events --field-selector reason=Unhealthy`,
      shows: 'Readiness probe failed: Get "http://…": malformed HTTP response, EOF or connection reset',
    },
  ],
  fix: 'Use a grpc probe (Kubernetes 1.24 and later), or an HTTP endpoint on a port of its own.',
  prevent: [
    'A policy that forbids httpGet probes on ports named grpc*',
    'kube-score, and a try on a local cluster before the rollout',
  ],
  variants: {
    readiness: {
      about: 'the readiness probe is an httpGet on the gRPC port',
      change({ server }) {
        askReadiness(server, { httpGet: { path: '/healthz', port: 'grpc' } });
      },
      expect: {
        connected: failsWith('UNAVAILABLE'),
        fresh: failsWith('UNAVAILABLE', /Name resolution failed/),
      },
    },
  },
} satisfies Incident;
