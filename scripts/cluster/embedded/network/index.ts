// The network of the cluster: addresses, DNS, and the Services' virtual addresses.
export { createAddresses } from './addresses.ts';
export { type Dns, startDns } from './dns.ts';
export { type ClusterProxy, startProxy } from './proxy.ts';
