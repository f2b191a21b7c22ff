import { bool, int32, int64, list, oneOf, quantity, struct, text } from './build.ts';
import { fieldRef } from './container.ts';
import { listKeys } from './lists.ts';

const CORE = 'api.core.v1';

const items = list(
  struct(`${CORE}.KeyToPath`, { key: text, mode: int32, path: text }, { required: ['key', 'path'] }),
);
const downwardItems = list(
  struct(`${CORE}.DownwardAPIVolumeFile`, { fieldRef, mode: int32, path: text }, { required: ['path'] }),
);

const projection = struct(`${CORE}.VolumeProjection`, {
  configMap: struct(`${CORE}.ConfigMapProjection`, { items, name: text, optional: bool }),
  downwardAPI: struct(`${CORE}.DownwardAPIProjection`, { items: downwardItems }),
  secret: struct(`${CORE}.SecretProjection`, { items, name: text, optional: bool }),
  serviceAccountToken: struct(
    `${CORE}.ServiceAccountTokenProjection`,
    { expirationSeconds: int64, path: text },
    { required: ['path'] },
  ),
});

const volume = struct(
  `${CORE}.Volume`,
  {
    configMap: struct(`${CORE}.ConfigMapVolumeSource`, {
      defaultMode: int32,
      items,
      name: text,
      optional: bool,
    }),
    downwardAPI: struct(`${CORE}.DownwardAPIVolumeSource`, { defaultMode: int32, items: downwardItems }),
    emptyDir: struct(`${CORE}.EmptyDirVolumeSource`, {
      medium: oneOf(['', 'Memory'], ['HugePages']),
      sizeLimit: quantity,
    }),
    name: text,
    projected: struct(`${CORE}.ProjectedVolumeSource`, { defaultMode: int32, sources: list(projection) }),
    secret: struct(`${CORE}.SecretVolumeSource`, {
      defaultMode: int32,
      items,
      optional: bool,
      secretName: text,
    }),
  },
  { required: ['name'] },
);

export const volumes = list(volume, listKeys.volumes);
