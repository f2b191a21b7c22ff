// What is in a volume: file by file, from the objects that it names.
import type { V1KeyToPath, V1Volume } from '@kubernetes/client-node';
import type { Plain } from '../../../common/plain.ts';
import type { Pod, ResourceName } from '../objects.ts';
import type { Store } from '../store.ts';
import { fieldValue, type Placement } from './field.ts';

export type Volume = Plain<V1Volume>;
/** By their path in the volume. */
export type Files = Map<string, { bytes: Buffer; mode: number }>;
type Items = Plain<V1KeyToPath>[] | undefined;
type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

export type VolumeContext = {
  store: Store;
  placement: Placement;
  ca: string;
  tokenFor: (namespace: string, serviceAccount: string) => string;
};

/** Undefined for one that the pod fills itself. @throws Error as the kubelet's. */
export function volumeFiles(context: VolumeContext, pod: Pod, volume: Volume): Files | undefined {
  const { configMap, secret, downwardAPI, projected, emptyDir } = volume;
  if (emptyDir) return undefined;
  if (configMap) return objectFiles(context, pod, { configMap }, configMap.defaultMode);
  if (secret) {
    const { secretName = '', defaultMode, ...rest } = secret;
    return objectFiles(context, pod, { secret: { name: secretName, ...rest } }, defaultMode);
  }
  if (downwardAPI) return objectFiles(context, pod, { downwardAPI }, downwardAPI.defaultMode);
  if (projected) {
    const { sources = [], defaultMode } = projected;
    return new Map(sources.flatMap((source) => [...objectFiles(context, pod, source, defaultMode)]));
  }
  throw new Error('only configMap, secret, emptyDir, projected and downwardAPI volumes are supported');
}

/** Kubernetes' default, where a pod came past the API. */
const DEFAULT_MODE = 0o644;

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

function objectFiles(context: VolumeContext, pod: Pod, source: Projection, mode = DEFAULT_MODE): Files {
  const { store, placement } = context;
  const namespace = pod.metadata.namespace ?? '';
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (serviceAccountToken) {
    const account = pod.spec?.serviceAccountName ?? 'default';
    const bytes = Buffer.from(context.tokenFor(namespace, account));
    return new Map([[serviceAccountToken.path, { bytes, mode }]]);
  }
  if (downwardAPI) {
    return new Map(
      (downwardAPI.items ?? []).map(({ path, fieldRef, mode: own = mode }) => [
        path,
        { bytes: Buffer.from(fieldValue(pod, placement, fieldRef?.fieldPath ?? '')), mode: own },
      ]),
    );
  }
  if (configMap) {
    const { name = '', items, optional } = configMap;
    const found = store.get('configmaps', namespace, name);
    if (!found && name === 'kube-root-ca.crt')
      return pick({ 'ca.crt': Buffer.from(context.ca) }, items, mode, 'configmap');
    if (!found) return missing('configmap', name, optional);
    const binary = Object.entries(found.binaryData ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64'),
    ]);
    const text = Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value)]);
    return pick(Object.fromEntries([...binary, ...text]), items, mode, 'configmap', optional);
  }
  const { name = '', items, optional } = secret ?? {};
  const found = store.get('secrets', namespace, name);
  if (!found) return missing('secret', name, optional);
  const entries = Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]);
  return pick(Object.fromEntries(entries), items, mode, 'secret', optional);
}

function missing(kind: string, name: string, optional?: boolean): Files {
  if (optional) return new Map();
  throw new Error(`${kind} "${name}" not found`);
}

function pick(
  data: Record<string, Buffer>,
  items: Items,
  mode: number,
  kind: 'configmap' | 'secret',
  optional?: boolean,
): Files {
  if (!items) return new Map(Object.entries(data).map(([path, bytes]) => [path, { bytes, mode }]));
  const files: Files = new Map();
  for (const { key, path, mode: own = mode } of items) {
    const bytes = data[key];
    if (bytes) files.set(path, { bytes, mode: own });
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
