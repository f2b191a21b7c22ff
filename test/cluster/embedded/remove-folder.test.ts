import { execFile } from 'node:child_process';
import { chmod, cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from '../../../scripts/cluster/lab.ts';
import { tempDir } from '../../support/temp-dir.ts';

it('removes folders that may not be written to', async () => {
  await using dir = await tempDir();
  await chmod(dir.path, 0o777);
  const source = join(ROOT, 'scripts/cluster/embedded/kubelet/remove-folder.ts');
  await cp(source, join(dir.path, 'remove-folder.ts'));
  const program = `
    import { existsSync, mkdirSync, writeFileSync, chmodSync } from 'node:fs';
    import { removeFolder } from './remove-folder.ts';
    mkdirSync('pod/deep/er', { recursive: true });
    writeFileSync('pod/deep/er/file', '');
    for (const folder of ['pod/deep/er', 'pod/deep']) chmodSync(folder, 0o555);
    await removeFolder('pod');
    await removeFolder('pod');
    console.log(existsSync('pod'));`;
  // Root may write everywhere: as nobody it shows.
  const uid = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    cwd: dir.path,
    env: {},
    ...uid,
  });
  expect(stdout).toBe('false\n');
});
