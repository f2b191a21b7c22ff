// Images are folders: <dir>/<repository>/<tag>/ holds what the image has under /app. There is no registry.
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export type Image = {
  /** What containers see as /app. */
  dir: string;
  /** As the container runtime names it: `docker.io/grpc-kind-lab/greeter-server:dev`. */
  name: string;
  /** By content: `docker.io/grpc-kind-lab/greeter-server@sha256:…`. */
  id: string;
};
export type ImageStore = ReturnType<typeof createImageStore>;

/** The kubelet's InvalidImageName. */
export class ImageNameError extends Error {}

const DEFAULT_REGISTRY = 'docker.io';
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const REGISTRY = /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.[a-zA-Z0-9-]+)*(?::\d+)?$/;
const DIGEST = /^sha256:[a-f0-9]{64}$/;

/** @throws ImageNameError. */
export function parseImage(ref: string): { repository: string; tag: string; digest?: string } {
  const invalid = () => new ImageNameError(`couldn't parse image name "${ref}": invalid reference format`);
  const [rest = '', digest, ...more] = ref.split('@');
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest))) throw invalid();
  const colon = rest.lastIndexOf(':');
  const tagged = colon > rest.lastIndexOf('/');
  const tag = tagged ? rest.slice(colon + 1) : 'latest';
  const named = tagged ? rest.slice(0, colon) : rest;
  const slash = named.indexOf('/');
  const first = named.slice(0, Math.max(slash, 0));
  const hasRegistry = /[.:A-Z]/.test(first) || first === 'localhost';
  const registry = hasRegistry ? first : DEFAULT_REGISTRY;
  let path = hasRegistry ? named.slice(slash + 1) : named;
  if (!PATH.test(path) || !TAG.test(tag) || !REGISTRY.test(registry)) throw invalid();
  if (registry === DEFAULT_REGISTRY && !path.includes('/')) path = `library/${path}`;
  return { repository: `${registry}/${path}`, tag, ...(digest ? { digest } : {}) };
}

/** @returns with the tag `latest` when it names none; a ref with a digest is none of the lab's. */
export const imageName = (ref: string): string => {
  const { repository, tag, digest } = parseImage(ref);
  return digest ? `${repository}@${digest}` : `${repository}:${tag}`;
};

/** @param dir is created when needed; other processes may add to it. */
export function createImageStore(dir: string) {
  const folderOf = (ref: string) => {
    const { repository, tag } = parseImage(ref);
    return join(dir, repository.replace(/^docker\.io\//, '').replaceAll(':', '_'), tag);
  };
  const ids = new Map<string, string>();

  return {
    /** @throws ImageNameError. */
    find(ref: string): Image | undefined {
      const { repository, digest } = parseImage(ref);
      const folder = folderOf(ref);
      const main = join(folder, 'main.js');
      const found = statSync(main, { throwIfNoEntry: false });
      if (digest || !found) return undefined;
      const key = `${main} ${found.mtimeMs} ${found.size}`;
      const hash = ids.get(key) ?? createHash('sha256').update(readFileSync(main)).digest('hex');
      ids.set(key, hash);
      return { dir: folder, name: imageName(ref), id: `${repository}@sha256:${hash}` };
    },
    /** Takes the place of an earlier one of that name. @throws ImageNameError. */
    async add(ref: string, fromDir: string): Promise<void> {
      const folder = folderOf(ref);
      await mkdir(dirname(folder), { recursive: true });
      const [fresh, old] = [`${folder}.new.${process.pid}`, `${folder}.old.${process.pid}`];
      await rm(fresh, { recursive: true, force: true });
      await cp(fromDir, fresh, { recursive: true });
      await rename(folder, old).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      await rename(fresh, folder);
      await rm(old, { recursive: true, force: true });
    },
  };
}
