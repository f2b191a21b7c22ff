import { join } from 'node:path';

/** Writes the hook that every process of a pod loads: one small CommonJS file, for it is read by each of them. */
export async function bundlePodSide(file: string): Promise<void> {
  const { build } = await import('esbuild');
  await build({
    entryPoints: [join(import.meta.dirname, 'pod-side/index.ts')],
    outfile: file,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    logLevel: 'error',
  });
}
