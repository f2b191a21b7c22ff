// Services and their endpoints.
import { bool, int32, int64, intOrString, list, map, oneOf, struct, text, texts } from './build.ts';
import { listKeys } from './lists.ts';
import { condition, objectReference } from './metadata.ts';

const CORE = 'api.core.v1';
const DISCOVERY = 'api.discovery.v1';

const protocol = oneOf(['TCP'], ['UDP', 'SCTP']);
const otherTypes = ['NodePort', 'LoadBalancer', 'ExternalName'];

const servicePort = struct(
  `${CORE}.ServicePort`,
  { appProtocol: text, name: text, port: int32, protocol, targetPort: intOrString },
  { required: ['port'] },
);

export const serviceSpec = struct(`${CORE}.ServiceSpec`, {
  clusterIP: text,
  clusterIPs: texts,
  internalTrafficPolicy: oneOf(['Cluster', 'Local']),
  ipFamilies: list(oneOf(['IPv4'], ['IPv6'])),
  ipFamilyPolicy: oneOf(['SingleStack'], ['PreferDualStack', 'RequireDualStack']),
  ports: list(servicePort, listKeys.servicePorts),
  publishNotReadyAddresses: bool,
  selector: map(text, { atomic: true }),
  sessionAffinity: oneOf(['None'], ['ClientIP']),
  trafficDistribution: oneOf(['PreferClose', 'PreferSameZone', 'PreferSameNode']),
  type: oneOf(['ClusterIP'], otherTypes),
});

export const serviceStatus = struct(`${CORE}.ServiceStatus`, {
  conditions: condition('apimachinery.pkg.apis.meta.v1.Condition', { observedGeneration: int64 }),
  loadBalancer: struct(`${CORE}.LoadBalancerStatus`, {}),
});

const zoneHints = list(struct(`${DISCOVERY}.ForZone`, { name: text }, { required: ['name'] }));
const nodeHints = list(struct(`${DISCOVERY}.ForNode`, { name: text }, { required: ['name'] }));

const endpoint = struct(
  `${DISCOVERY}.Endpoint`,
  {
    addresses: list(text, listKeys.set),
    conditions: struct(`${DISCOVERY}.EndpointConditions`, { ready: bool, serving: bool, terminating: bool }),
    hints: struct(`${DISCOVERY}.EndpointHints`, { forNodes: nodeHints, forZones: zoneHints }),
    hostname: text,
    nodeName: text,
    targetRef: objectReference,
    zone: text,
  },
  { required: ['addresses'] },
);

const endpointPort = struct(
  `${DISCOVERY}.EndpointPort`,
  { appProtocol: text, name: text, port: int32, protocol },
  { atomic: true },
);

export const endpointSliceFields = {
  addressType: oneOf(['IPv4'], ['IPv6', 'FQDN']),
  endpoints: list(endpoint),
  ports: list(endpointPort),
};
