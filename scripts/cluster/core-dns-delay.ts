// CoreDNS made slow. No plugin of it delays the answers of others: in its pods, a relay stands before it.
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

/** Where CoreDNS has to listen then: the relay has its port. */
export const BEHIND_PORT = 5353;

/** Read and written back as a whole; a merge patch replaces lists. */
export type DnsPods = Pick<V1PodSpec, 'containers' | 'tolerations'>;

/**
 * The same pods with the relay in them. Nodes without the lab's images get none: control planes are tolerated no more.
 *
 * @param relay image of greeter-server, which has the relay, and how long each answer takes.
 */
export const withRelay = (
  { containers, tolerations = [] }: DnsPods,
  relay: { image: string; delayMs: number },
): DnsPods => ({
  containers: [...containers, relayContainer(relay)],
  tolerations: tolerations.filter(({ key }) => key !== 'node-role.kubernetes.io/control-plane'),
});

const relayContainer = ({ image, delayMs }: { image: string; delayMs: number }): V1Container => ({
  name: 'dns-relay',
  image,
  imagePullPolicy: 'IfNotPresent',
  command: ['node', '/app/dns-relay.js'],
  env: [
    { name: 'DNS_RELAY_TARGET_PORT', value: String(BEHIND_PORT) },
    { name: 'DNS_RELAY_DELAY_MS', value: String(delayMs) },
  ],
  readinessProbe: { tcpSocket: { port: 53 }, periodSeconds: 1 },
  securityContext: {
    // The capabilities are CoreDNS's; as root, for they are on no file here.
    runAsUser: 0,
    allowPrivilegeEscalation: false,
    capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
    readOnlyRootFilesystem: true,
  },
});
