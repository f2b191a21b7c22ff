// How the items of a list are told apart, as Kubernetes' OpenAPI says it: `keys` for server-side apply, `mergeKey` for
// strategic merge patches. Lists that are not here are atomic: replaced as a whole.
export type ListKeys =
  | { type: 'atomic'; mergeKey?: string; strategy?: string }
  | { type: 'set'; mergeKey?: undefined; strategy?: string }
  | {
      type: 'map';
      keys: readonly string[];
      /** Values of keys that an item may leave out. */
      defaults?: Readonly<Record<string, string>>;
      mergeKey: string;
      strategy: 'merge' | 'merge,retainKeys';
    };

const by = (key: string, ...more: string[]): ListKeys => ({
  type: 'map',
  keys: [key, ...more],
  mergeKey: key,
  strategy: 'merge',
  ...(more.includes('protocol') ? { defaults: { protocol: 'TCP' } } : {}),
});

export const listKeys = {
  conditions: by('type'),
  containerPorts: by('containerPort', 'protocol'),
  containers: by('name'),
  env: by('name'),
  finalizers: { type: 'set', strategy: 'merge' },
  hostIPs: { type: 'atomic', mergeKey: 'ip', strategy: 'merge' },
  imagePullSecrets: by('name'),
  nodeAddresses: by('type'),
  ownerReferences: by('uid'),
  podCIDRs: { type: 'set', strategy: 'merge' },
  podIPs: by('ip'),
  serviceAccountSecrets: by('name'),
  servicePorts: by('port', 'protocol'),
  set: { type: 'set' },
  topologySpreadConstraints: by('topologyKey', 'whenUnsatisfiable'),
  volumeMounts: by('mountPath'),
  volumes: { type: 'map', keys: ['name'], mergeKey: 'name', strategy: 'merge,retainKeys' },
} as const satisfies Record<string, ListKeys>;
