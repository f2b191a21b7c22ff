import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/cluster/lab.ts';
import { takeLock } from '../../scripts/cluster/lock.ts';

const name = (what: string) => `test-${process.pid}-${what}`;

describe('the lock of a lab', () => {
  it('is refused while somebody has it, with what they are doing; then it is free', async () => {
    const first = await takeLock(name('held'), 'lab:up (pid 4711)');
    await expect(takeLock(name('held'), 'lab:down')).rejects.toMatchObject({
      code: 'failed',
      message: `the lab "${name('held')}" is in use by lab:up (pid 4711)`,
      hint: expect.stringContaining('Wait until it has ended'),
    });
    await using other = await takeLock(name('other'), 'another lab');
    expect(other).toBeDefined();
    await first[Symbol.asyncDispose]();
    await using second = await takeLock(name('held'), 'lab:down');
    expect(second).toBeDefined();
  });

  it('is free when its owner was killed', async () => {
    const lock = join(ROOT, 'scripts/cluster/lock.ts');
    const code = `const { takeLock } = await import(${JSON.stringify(lock)});
      await takeLock(${JSON.stringify(name('killed'))}, 'the one that dies');
      console.log('taken');
      setInterval(() => {}, 1000);`;
    const owner = execa(process.execPath, ['--input-type=module', '-e', code], { reject: false });
    await once(owner.stdout, 'data');
    await expect(takeLock(name('killed'), 'me')).rejects.toThrow('in use by the one that dies');
    owner.kill('SIGKILL');
    await owner;
    await using mine = await takeLock(name('killed'), 'me');
    expect(mine).toBeDefined();
  });
});
