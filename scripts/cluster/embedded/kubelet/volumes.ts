// A pod's volumes as folders. Files of objects are written as the kubelet writes them: all at once, by a link ..data to
// the folder of this version, so that a program never sees half of a change.
import { mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Pod } from '../objects.ts';
import type { Container } from './env.ts';
import {
  sourcesOf,
  TOKEN_MOUNT,
  tokenVolume,
  type Volume,
  type VolumeContext,
  volumeFiles,
} from './volume-content.ts';

const DATA = '..data';
/** The kubelet's: the first attempts follow each other quickly. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 122_000;

export type Volumes = ReturnType<typeof createVolumes>;

/** @param dir of this pod's volumes. */
export function createVolumes(context: VolumeContext, pod: Pod, dir: string) {
  const mountsToken = wantsToken(context, pod);
  const volumes: Volume[] = [...(pod.spec?.volumes ?? []), ...(mountsToken ? [tokenVolume] : [])];
  const written = new Map<string, string>();
  const sources = new Set(volumes.flatMap(sourcesOf));
  let versions = 0;
  const folderOf = (name: string) => join(dir, name);

  /** Writes those that have changed. */
  async function write(now: Pod, volume: Volume): Promise<void> {
    const folder = folderOf(volume.name);
    const files = volumeFiles(context, now, volume);
    const content =
      files && JSON.stringify([...files].map(([path, bytes]) => [path, bytes.toString('base64')]));
    if (content !== undefined && written.get(volume.name) === content) return;
    await mkdir(folder, { recursive: true });
    if (!files || content === undefined) return;
    versions += 1;
    await replaceFiles(folder, `..${Date.now()}.${versions}`, files);
    written.set(volume.name, content);
  }

  return {
    /** @returns what failed, for the event; nothing when all are there. */
    async setUp(now: Pod): Promise<string | undefined> {
      for (const volume of volumes) {
        try {
          await write(now, volume);
        } catch (error) {
          return `MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`;
        }
      }
      return undefined;
    },
    /** In the running pod. One that can no longer be made stays as it was. */
    async refresh(now: Pod): Promise<void> {
      for (const volume of volumes) await write(now, volume).catch(() => {});
    },
    /** Whether a change of this object, such as `configmaps/name`, concerns it. */
    dependsOn: (object: string): boolean => sources.has(object),
    mountsOf: ({ volumeMounts = [] }: Container): { path: string; to: string }[] => {
      const own = volumeMounts.map(({ name, mountPath }) => ({
        path: mountPath.length > 1 ? mountPath.replace(/\/+$/, '') : mountPath,
        to: folderOf(name),
      }));
      const hasToken = own.some(({ path }) => path === TOKEN_MOUNT);
      return mountsToken && !hasToken ? [...own, { path: TOKEN_MOUNT, to: folderOf(tokenVolume.name) }] : own;
    },
  };
}

/** How long to wait before the attempt that comes after this many. */
export const mountRetryMs = (failures: number): number =>
  Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);

/** The pod's own word goes before its service account's. */
function wantsToken({ store }: VolumeContext, { metadata, spec }: Pod): boolean {
  if (spec?.automountServiceAccountToken !== undefined) return spec.automountServiceAccountToken;
  const account = store.get(
    'serviceaccounts',
    metadata.namespace ?? '',
    spec?.serviceAccountName ?? 'default',
  );
  return account?.automountServiceAccountToken !== false;
}

async function replaceFiles(folder: string, version: string, files: Map<string, Buffer>): Promise<void> {
  const fresh = join(folder, version);
  await mkdir(fresh);
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(fresh, path)), { recursive: true });
    await writeFile(join(fresh, path), bytes);
  }
  const before = await readlink(join(folder, DATA)).catch(() => undefined);
  const link = join(folder, '..data_tmp');
  await symlink(version, link);
  await rename(link, join(folder, DATA));
  const names = (paths: Iterable<string>) => new Set([...paths].map((path) => path.split('/')[0] as string));
  for (const name of names(files.keys())) {
    await symlink(join(DATA, name), join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  if (before) {
    await dropLinks(folder, before, names(files.keys()));
    await rm(join(folder, before), { recursive: true, force: true });
  }
}

/** Links to files that there no longer are. */
async function dropLinks(folder: string, before: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(join(folder, before))) {
    if (!kept.has(name)) await rm(join(folder, name), { force: true });
  }
}
