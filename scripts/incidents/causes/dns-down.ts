import { failDns, stopDns } from '../dns-actions.ts';
import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';

export default {
  name: 'dns-down',
  order: 11,
  symptom: 'No fresh client can resolve anything; those that are connected work on.',
  cause: "The cluster's DNS does not answer, or answers SERVFAIL.",
  underneath:
    'A channel needs DNS once, for its first connection, and again only when one is lost. Clients that are connected notice nothing; new pods, and connections that break now, do. The resolver waits several seconds for each try, so calls may run out of time before resolution fails.',
  confirm: () => [
    {
      command:
        'kubectl -n kube-system get deployment coredns; kubectl -n kube-system get endpointslices -l kubernetes.io/service-name=kube-dns',
      shows: 'no replica, and no endpoint',
    },
    {
      command:
        'kubectl -n kube-system get configmap coredns -o yaml; kubectl -n kube-system logs deployment/coredns --tail=20',
      shows: 'where it answers with errors: what it is told to answer, and what it cannot reach',
    },
  ],
  fix: 'Bring the DNS server back: kubectl -n kube-system scale deployment coredns --replicas=2; or mend its Corefile, and kubectl -n kube-system rollout restart deployment coredns',
  prevent: [
    'Two replicas with a PodDisruptionBudget',
    'Alert on coredns_dns_requests_total at zero and on SERVFAIL',
    'NodeLocal DNSCache',
  ],
  variants: {
    'no-replica': {
      about: 'CoreDNS is scaled to 0',
      needs: ['system-pods'],
      actions: [stopDns],
      expect: { connected: goesOn, fresh: failsWith(['UNAVAILABLE', 'DEADLINE_EXCEEDED']) },
    },
    servfail: {
      about: 'the Corefile of CoreDNS tells it to answer SERVFAIL, whatever is asked',
      needs: ['system-pods'],
      actions: [failDns],
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE') },
    },
  },
} satisfies Incident;
