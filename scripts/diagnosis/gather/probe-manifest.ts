// The Pod that tries the way of a call from beside a client of which nothing can be asked.
import { randomBytes } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { CONTROL_PORT } from '../../../services/protocol/index.ts';
import type { ClusterObjects } from '../facts.ts';

type Pod = ClusterObjects['pods'][number];

/** Its only label: no Service and no workload selects it, and it can be found if it is ever left behind. */
const PROBE_LABEL = 'grpc-kind-lab.dev/probe';

/**
 * Where the client's pod is, as whom it runs, and with its DNS settings; without its labels, so without what
 * NetworkPolicies grant or refuse to them.
 *
 * @param beside a pod of the client's.
 * @param token of its control endpoint.
 */
export function probeManifest(beside: Pod, image: string, token: string): V1Pod {
  const { namespace = '' } = beside.metadata ?? {};
  const { nodeName, serviceAccountName, dnsPolicy, dnsConfig, hostAliases, tolerations } = beside.spec ?? {};
  const place = { nodeName, serviceAccountName, dnsPolicy, dnsConfig, hostAliases, tolerations };
  const set = Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `grpc-diagnose-${randomBytes(4).toString('hex')}`,
      namespace,
      labels: { [PROBE_LABEL]: 'true' },
    },
    spec: {
      ...set,
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      activeDeadlineSeconds: 60,
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'probe',
          image,
          imagePullPolicy: 'IfNotPresent',
          ports: [{ name: 'control', containerPort: CONTROL_PORT }],
          env: [{ name: 'LAB_TOKEN', value: token }],
          readinessProbe: { httpGet: { path: '/healthz', port: 'control' }, periodSeconds: 1 },
          resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '128Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}
