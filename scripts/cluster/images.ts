// The lab's images: bundled outside, built without network, tagged by what is in them.
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../common/run.ts';
import { ROOT } from './lab.ts';

export const SERVICES = ['greeter-server', 'greeter-client'] as const;
export type Service = (typeof SERVICES)[number];

/** Image of the services' base; node:24-bookworm-slim unless LAB_BASE_IMAGE names another. */
export const baseImage = (): string => process.env.LAB_BASE_IMAGE ?? 'node:24-bookworm-slim';

export type BuiltImage = {
  service: Service;
  /** `grpc-kind-lab/greeter-server:<hash of its content>` */
  ref: string;
  /** The same image as `:dev`, for manifests that are applied by hand. */
  devRef: string;
};

/** The bundled services in a folder each, and what their images are called. */
export type Bundle = { dir: string; images: BuiltImage[] };

const repository = (service: Service) => `grpc-kind-lab/${service}`;

/**
 * Bundles the services into a folder and says what their images are called. Builds nothing yet.
 *
 * @throws LabError `failed` when a service does not bundle.
 */
export async function bundleImages(dir: string, signal: AbortSignal): Promise<Bundle> {
  await bundleIfChanged(dir, signal);
  const images = await Promise.all(
    SERVICES.map(async (service) => {
      const tag = await hashOf([join(dir, service), join(ROOT, 'services/Dockerfile')], baseImage());
      return { service, ref: `${repository(service)}:${tag}`, devRef: `${repository(service)}:dev` };
    }),
  );
  return { dir, images };
}

/** Bundling takes a second: it is done again only when a source, or what it is bundled with, is another one. */
async function bundleIfChanged(dir: string, signal: AbortSignal): Promise<void> {
  const sources = await hashOf([join(ROOT, 'services'), join(ROOT, 'package-lock.json')], '');
  const mark = join(dir, 'sources');
  if ((await readFile(mark, 'utf8').catch(() => '')) === sources) return;
  await rm(dir, { recursive: true, force: true });
  await run([process.execPath, join(ROOT, 'services/build.ts'), dir], { signal });
  await writeFile(mark, sources);
}

/** Of the content and names of all files under `paths`; the same for the same content on any machine. */
async function hashOf(paths: readonly string[], salt: string): Promise<string> {
  const hash = createHash('sha256').update(salt);
  for (const path of paths) {
    const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => undefined);
    if (!entries) {
      hash.update(await readFile(path));
      continue;
    }
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort())
      hash
        .update(file.slice(path.length))
        .update('\0')
        .update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 12);
}
