// The page's own script with the charting library, and its style sheet, as text to put into the page.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const folder = join(import.meta.dirname, 'browser');

export async function browserBundle(): Promise<{ script: string; style: string }> {
  const [{ outputFiles }, style] = await Promise.all([
    build({
      entryPoints: [join(folder, 'index.ts')],
      bundle: true,
      minify: true,
      write: false,
      format: 'iife',
      target: 'es2022',
      legalComments: 'none',
      logLevel: 'silent',
    }),
    readFile(join(folder, 'style.css'), 'utf8'),
  ]);
  return { script: outputFiles[0]?.text ?? '', style };
}
