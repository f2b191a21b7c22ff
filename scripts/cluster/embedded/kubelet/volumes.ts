// A pod's volumes as folders. Files of objects are written as the kubelet writes them: all at once, by a link ..data to
// the folder of this version, so that a program never sees half of a change.
import { chmod, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Pod } from '../objects.ts';
import type { Container } from './env.ts';
import {
  type Files,
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

/** @param pod as it is now. @param dir of this pod's volumes. */
export function createVolumes(context: VolumeContext, pod: () => Pod, dir: string) {
  const mountsToken = wantsToken(context, pod());
  const volumes: Volume[] = [...(pod().spec?.volumes ?? []), ...(mountsToken ? [tokenVolume] : [])];
  const written = new Map<string, string>();
  const sources = new Set(volumes.flatMap(sourcesOf));
  let versions = 0;
  let last: Promise<unknown> = Promise.resolve();
  const folderOf = (name: string) => join(dir, name);

  /** One after the other: of two at a time, the one that has read less could be done last. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  }

  /** Writes it when it has changed. */
  async function write(volume: Volume): Promise<void> {
    const folder = folderOf(volume.name);
    const files = volumeFiles(context, pod(), volume);
    const content =
      files &&
      JSON.stringify([...files].map(([path, { bytes, mode }]) => [path, mode, bytes.toString('base64')]));
    if (content !== undefined && written.get(volume.name) === content) return;
    await mkdir(folder, { recursive: true });
    if (!files || content === undefined) return;
    versions += 1;
    await replaceFiles(folder, `..${Date.now()}.${versions}`, files);
    written.set(volume.name, content);
  }

  return {
    /** @returns what failed, for the event; nothing when all are there. */
    setUp: (): Promise<string | undefined> =>
      inTurn(async () => {
        for (const volume of volumes) {
          try {
            await write(volume);
          } catch (error) {
            return `MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`;
          }
        }
        return undefined;
      }),
    /** In the running pod. One that can no longer be made stays as it was. */
    refresh: (): Promise<void> =>
      inTurn(async () => {
        for (const volume of volumes) await write(volume).catch(() => {});
      }),
    /** Until nothing is being written any more. */
    settled: (): Promise<void> => inTurn(async () => {}),
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

async function replaceFiles(folder: string, version: string, files: Files): Promise<void> {
  const fresh = join(folder, version);
  const before = await readlink(join(folder, DATA)).catch(() => undefined);
  try {
    await writeFiles(fresh, files);
    const link = join(folder, '..data_tmp');
    // An attempt that failed may have left it.
    await rm(link, { force: true });
    await symlink(version, link);
    await rename(link, join(folder, DATA));
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
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

async function writeFiles(folder: string, files: Files): Promise<void> {
  await mkdir(folder);
  for (const [path, { bytes, mode }] of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
    // Not by the mode that it is made with, of which the umask takes away.
    await chmod(file, mode);
  }
}

/** Links to files that there no longer are. */
async function dropLinks(folder: string, before: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(join(folder, before))) {
    if (!kept.has(name)) await rm(join(folder, name), { force: true });
  }
}
