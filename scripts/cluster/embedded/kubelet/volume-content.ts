// What is in a volume: file by file, from the objects that it names.
import type { V1KeyToPath, V1Volume } from '@kubernetes/client-node';
import type { Pod, ResourceName, Wire } from '../objects.ts';
import type { Store } from '../store.ts';
import { fieldValue, type Placement } from './field.ts';

export type Volume = Wire<V1Volume>;
type Files = Map<string, Buffer>;
type Items = Wire<V1KeyToPath>[] | undefined;
type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

export type VolumeContext = {
  store: Store;
  placement: Placement;
  ca: string;
  tokenFor: (namespace: string, serviceAccount: string) => string;
};

/** Files by their path in the volume; undefined for one that the pod fills itself. @throws Error as the kubelet's. */
export function volumeFiles(context: VolumeContext, pod: Pod, volume: Volume): Files | undefined {
  const { configMap, secret, downwardAPI, projected, emptyDir } = volume;
  if (emptyDir) return undefined;
  if (configMap) return objectFiles(context, pod, { configMap });
  if (secret) {
    const { secretName, items, optional } = secret;
    return objectFiles(context, pod, {
      secret: {
        ...(secretName === undefined ? {} : { name: secretName }),
        ...(items ? { items } : {}),
        ...(optional === undefined ? {} : { optional }),
      },
    });
  }
  if (downwardAPI) return objectFiles(context, pod, { downwardAPI });
  if (projected) {
    return new Map((projected.sources ?? []).flatMap((source) => [...objectFiles(context, pod, source)]));
  }
  throw new Error('only configMap, secret, emptyDir, projected and downwardAPI volumes are supported');
}

/** What the service account admission controller mounts into pods. */
export const TOKEN_MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
export const tokenVolume: Volume = {
  name: 'kube-api-access',
  projected: {
    sources: [
      { serviceAccountToken: { path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ],
  },
};

function objectFiles(context: VolumeContext, pod: Pod, source: Projection): Files {
  const { store, placement } = context;
  const namespace = pod.metadata.namespace ?? '';
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (serviceAccountToken) {
    const account = pod.spec?.serviceAccountName ?? 'default';
    return new Map([[serviceAccountToken.path, Buffer.from(context.tokenFor(namespace, account))]]);
  }
  if (downwardAPI) {
    return new Map(
      (downwardAPI.items ?? []).map(({ path, fieldRef }) => [
        path,
        Buffer.from(fieldValue(pod, placement, fieldRef?.fieldPath ?? '')),
      ]),
    );
  }
  if (configMap) {
    const { name = '', items, optional } = configMap;
    const found = store.get('configmaps', namespace, name);
    if (!found && name === 'kube-root-ca.crt')
      return pick({ 'ca.crt': Buffer.from(context.ca) }, items, 'configmap');
    if (!found) return missing('configmap', name, optional);
    const binary = Object.entries(found.binaryData ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64'),
    ]);
    const text = Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value)]);
    return pick(Object.fromEntries([...binary, ...text]), items, 'configmap', optional);
  }
  const { name = '', items, optional } = secret ?? {};
  const found = store.get('secrets', namespace, name);
  if (!found) return missing('secret', name, optional);
  const entries = Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]);
  return pick(Object.fromEntries(entries), items, 'secret', optional);
}

function missing(kind: string, name: string, optional?: boolean): Files {
  if (optional) return new Map();
  throw new Error(`${kind} "${name}" not found`);
}

function pick(
  data: Record<string, Buffer>,
  items: Items,
  kind: 'configmap' | 'secret',
  optional?: boolean,
): Files {
  if (!items) return new Map(Object.entries(data));
  const files: Files = new Map();
  for (const { key, path } of items) {
    const found = data[key];
    if (found) files.set(path, found);
    else if (!optional) {
      throw new Error(
        kind === 'configmap'
          ? `configmap references non-existent config key: ${key}`
          : `references non-existent secret key: ${key}`,
      );
    }
  }
  return files;
}

/** Objects that a volume's files come from, as `configmaps/name`. */
export function sourcesOf({ configMap, secret, projected }: Volume): string[] {
  const key = (resource: ResourceName, name = '') => `${resource}/${name}`;
  return [
    ...(configMap ? [key('configmaps', configMap.name)] : []),
    ...(secret ? [key('secrets', secret.secretName)] : []),
    ...(projected?.sources ?? []).flatMap((source) => [
      ...(source.configMap ? [key('configmaps', source.configMap.name)] : []),
      ...(source.secret ? [key('secrets', source.secret.name)] : []),
    ]),
  ];
}
