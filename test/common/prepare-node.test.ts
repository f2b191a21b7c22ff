// What every command is given before its first line: no thread of V8 that process.exit() could wait for in vain.
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/cluster/lab.ts';

// Much code for Sparkplug (other functions each time), and a hot loop for Maglev.
const WORK = `
  console.log('prepared');
  for (let i = 0; i < 300; i += 1) {
    const each = new Function('n', 'let s = ' + i + '; for (let k = 0; k < n; k += 1) s += k % 7; return s');
    for (let k = 0; k < 20; k += 1) each(50);
  }
  function hot(n) { let s = 0; for (let i = 0; i < n; i += 1) s += i % 7; return s; }
  for (let i = 0; i < 3000; i += 1) hot(1000);`;

async function threadsOf(args: readonly string[]): Promise<string[]> {
  const trace = ['--trace-opt', '--trace-baseline'];
  const { stdout } = await execa(process.execPath, [...trace, ...args, '-e', WORK], { cwd: ROOT });
  const after = stdout.slice(stdout.indexOf('prepared'));
  return ['MAGLEV', 'Concurrent Sparkplug'].filter((thread) => after.includes(thread));
}

describe('a command', () => {
  it('compiles on no thread that allocates', async () => {
    expect(await threadsOf(['-r', './scripts/common/prepare-node.cjs'])).toEqual([]);
  });

  it('would, as Node does', async () => {
    expect(await threadsOf([])).toEqual(['MAGLEV', 'Concurrent Sparkplug']);
  });
});
