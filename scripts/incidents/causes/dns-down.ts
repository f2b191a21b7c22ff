import { stopDns } from '../actions.ts';
import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';

export default {
  name: 'dns-down',
  order: 11,
  symptom: 'No fresh client can resolve anything; those that are connected work on.',
  cause: "The cluster's DNS does not answer.",
  underneath:
    'A channel needs DNS once, for its first connection, and again only when one is lost. Clients that are connected notice nothing; new pods, and connections that break now, do. The resolver waits several seconds for each try, so calls may run out of time before resolution fails.',
  confirm: () => [
    {
      command:
        'kubectl -n kube-system get deployment coredns; kubectl -n kube-system get endpointslices -l kubernetes.io/service-name=kube-dns',
      shows: 'no replica, and no endpoint',
    },
  ],
  fix: 'Bring the DNS server back: kubectl -n kube-system scale deployment coredns --replicas=2',
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
  },
} satisfies Incident;
