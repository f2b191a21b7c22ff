// docker build of the lab's images, without network.
import { join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { run, tryRun } from '../../common/run.ts';
import { type Bundle, baseImage, type Service } from '../images.ts';
import { ROOT } from '../lab.ts';

/**
 * Builds the images that are not there yet.
 *
 * @returns what they are called, and whether any had to be built.
 * @throws LabError `prerequisite` when the base image cannot be had, `failed` when a build fails.
 */
export async function buildImages({ dir, images }: Bundle, signal: AbortSignal): Promise<string> {
  const built = await Promise.all(
    images.map(async ({ service, ref, devRef }) => {
      const inspected = await tryRun(['docker', 'image', 'inspect', ref], { signal });
      if (inspected.ok) {
        await run(['docker', 'tag', ref, devRef], { signal });
        return 0;
      }
      await build(dir, service, [ref, devRef], signal);
      return 1;
    }),
  );
  const tags = images.map(({ ref }) => ref.replace(/^grpc-kind-lab\//, '')).join(', ');
  return built.some((count) => count > 0) ? tags : `unchanged, ${tags}`;
}

async function build(dir: string, service: Service, tags: string[], signal: AbortSignal): Promise<void> {
  const base = baseImage();
  const result = await tryRun(
    [
      'docker',
      'build',
      '--quiet',
      '--file',
      join(ROOT, 'services/Dockerfile'),
      '--build-arg',
      `BASE=${base}`,
      '--build-arg',
      `SERVICE=${service}`,
      ...tags.flatMap((tag) => ['--tag', tag]),
      dir,
    ],
    { signal },
  );
  if (result.ok) return;
  const baseIsMissing = !(await tryRun(['docker', 'image', 'inspect', base], { signal })).ok;
  if (baseIsMissing) {
    throw new LabError('prerequisite', `the base image ${base} is not local and cannot be pulled`, {
      hint: `${result.stderr.trim()}\nCheck the connection, or name another with LAB_BASE_IMAGE.`,
    });
  }
  throw new LabError('failed', `docker build of ${service} failed`, { hint: result.stderr.trim() });
}
