import type { Incident } from '../incident.ts';
import { either, failsWith, goesOn } from '../symptoms/expectations.ts';
import { WORLD_LABEL } from '../world.ts';

export default {
  name: 'network-policy',
  order: 7,
  symptom: 'Fresh connections time out, open ones may go on; nothing refuses.',
  cause: "A NetworkPolicy drops the client's connections.",
  underneath:
    'As soon as one policy selects a pod for ingress, only what some policy allows may reach it. Packets are dropped, not refused: a connection hangs until a time-out. Whether connections that are open are cut is up to the network plug-in.',
  confirm: ({ namespace }) => [
    {
      command: `kubectl -n ${namespace} describe networkpolicy`,
      shows: 'who may reach the pods, and on which ports',
    },
  ],
  fix: "Allow the client's pods on the gRPC port (and DNS, where egress is restricted).",
  prevent: [
    'Test policies with the real client before they are enforced',
    'Keep a policy beside the Deployment that it is about',
  ],
  variants: {
    ingress: {
      about: 'only pods with another label may reach the gRPC port',
      needs: ['network-policy'],
      change({ others }, { namespace, server }) {
        others.push({
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: `${server}-ingress`, namespace, labels: { [WORLD_LABEL]: namespace } },
          spec: {
            podSelector: { matchLabels: { 'app.kubernetes.io/name': server } },
            policyTypes: ['Ingress'],
            ingress: [
              { ports: [{ port: 8080 }] },
              { from: [{ podSelector: { matchLabels: { role: 'gateway' } } }], ports: [{ port: 'grpc' }] },
            ],
          },
        } as never);
      },
      expect: {
        connected: either(goesOn, failsWith(['UNAVAILABLE', 'DEADLINE_EXCEEDED'])),
        fresh: failsWith(['UNAVAILABLE', 'DEADLINE_EXCEEDED']),
      },
    },
  },
} satisfies Incident;
