// The supervisor as commands see it: found, silent, slow to end, gone.
import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import {
  findSupervisor,
  stopSupervisor,
  supervisorLock,
} from '../../../scripts/cluster/embedded/background.ts';
import { labNamed, ROOT } from '../../../scripts/cluster/lab.ts';

/** A process that holds the lock of a lab's supervisor, as one does. */
async function holder(name: string, more = '') {
  const lab = labNamed(`test-${process.pid}-${name}`);
  const lock = join(ROOT, 'scripts/cluster/lock.ts');
  const code = `const { takeLock } = await import(${JSON.stringify(lock)});
    const purpose = 'supervisor (pid ' + process.pid + ') of ' + ${JSON.stringify(lab.dir)};
    await takeLock(${JSON.stringify(supervisorLock(lab.name))}, purpose);
    setInterval(() => {}, 1000);
    ${more}
    console.log('taken');`;
  const child = execa(process.execPath, ['--input-type=module', '-e', code], { reject: false });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout, 'data');
  return { lab, child };
}

it('is found while it lives, and is none when it has been killed', async () => {
  const { lab, child } = await holder('found');
  expect(await findSupervisor(lab)).toEqual({ pid: child.pid, dir: lab.dir });
  child.kill('SIGKILL');
  await child;
  expect(await findSupervisor(lab)).toBeUndefined();
});

it('that does not answer is neither found nor none: nobody takes its pods away', async () => {
  const { lab, child } = await holder('silent');
  child.kill('SIGSTOP');
  await expect(stopSupervisor(lab)).rejects.toMatchObject({
    code: 'failed',
    message: `the supervisor of "${lab.name}" does not answer`,
    hint: expect.stringContaining('supervisor.log'),
  });
  child.kill('SIGCONT');
  expect(await findSupervisor(lab)).toMatchObject({ pid: child.pid });
});

it('has ended when it has, not when it no longer answers', async () => {
  const blocks = `process.on('SIGTERM', () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4300);
    process.exit(0);
  });`;
  const { lab } = await holder('slow', blocks);
  const asked = performance.now();
  await stopSupervisor(lab);
  // Asked twice, it has been silent for two seconds each time.
  expect(performance.now() - asked).toBeGreaterThan(4200);
});
