import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';

export default {
  name: 'selector-mismatch',
  order: 1,
  symptom: 'Fresh clients cannot resolve or connect; those that are connected work on.',
  cause: 'The Service selects labels that no pod has.',
  underneath:
    'The EndpointSlice controller fills the slices of a Service from the pods that its selector matches. When none does, a headless name has no record (NXDOMAIN) and a ClusterIP has nowhere to send a connection to. Connections that are open need neither: they last until something closes them, which may be days after the change.',
  confirm: ({ namespace, headless }) => [
    {
      command: `kubectl -n ${namespace} get endpointslices -l kubernetes.io/service-name=${headless}`,
      shows: 'no endpoint',
    },
    {
      command: `kubectl -n ${namespace} get service ${headless} -o jsonpath='{.spec.selector}'; kubectl -n ${namespace} get pods --show-labels`,
      shows: 'a selector that none of the pods has',
    },
  ],
  fix: 'Give the Service the labels of the pods, or the pods those of the Service; templates that render both from one place cannot drift apart.',
  prevent: [
    'kube-linter `dangling-service`, kube-score `service-targets-pod`',
    'Alert on a Service without ready endpoints: `kube_endpointslice_endpoints{ready="true"}` missing for 2 minutes',
  ],
  variants: {
    label: {
      about: 'both Services select a label value that no pod has',
      change({ service, headless }, { server }) {
        for (const each of [service, headless])
          each.spec.selector = { 'app.kubernetes.io/name': `${server}-v2` };
      },
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE', /Name resolution failed/) },
    },
    'extra-label': {
      about: 'both Services select one label more than the pods have',
      change({ service, headless }) {
        for (const each of [service, headless])
          each.spec.selector = { ...each.spec.selector, tier: 'backend' };
      },
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE', /Name resolution failed/) },
    },
  },
} satisfies Incident;
