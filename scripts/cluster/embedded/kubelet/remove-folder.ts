import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const whole = { recursive: true, force: true, maxRetries: 3 } as const;

/** Also one in which a program has made folders that may not be written to: their entries cannot be removed before. */
export async function removeFolder(dir: string): Promise<void> {
  try {
    await rm(dir, whole);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    await openUp(dir);
    await rm(dir, whole);
  }
}

async function openUp(dir: string): Promise<void> {
  await chmod(dir, 0o700);
  for (const entry of await readdir(dir, { withFileTypes: true }))
    if (entry.isDirectory()) await openUp(join(dir, entry.name));
}
