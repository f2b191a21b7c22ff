// Runs the lab's commands as a person does, and says what came of it.
import { execa } from 'execa';
import { ROOT } from '../../scripts/cluster/index.ts';

export type CommandResult = { exitCode: number; stdout: string; stderr: string };

export type CommandOptions = {
  env?: Record<string, string>;
  /** SIGINT as soon as this returns true for what was printed on stderr so far. */
  interruptWhen?: (stderr: string) => boolean;
  /** SIGKILL then. */
  killWhen?: (stderr: string) => boolean;
  /** Called with all of stderr whenever it grows. */
  onOutput?: (stderr: string) => void;
};

/** A command by the file in scripts/, with Node itself: npm would add its own words. */
export async function lab(
  command: 'lab-up' | 'lab-down' | 'lab-status' | 'experiment',
  args: readonly string[] = [],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = execa(
    process.execPath,
    ['-r', './scripts/common/require-node.cjs', `scripts/${command}.ts`, ...args],
    {
      cwd: ROOT,
      reject: false,
      stdin: 'ignore',
      env: { NO_COLOR: '1', FORCE_COLOR: undefined, ...options.env },
    },
  );
  let stderr = '';
  let signalled = false;
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    options.onOutput?.(stderr);
    const signal = options.interruptWhen?.(stderr)
      ? 'SIGINT'
      : options.killWhen?.(stderr)
        ? 'SIGKILL'
        : undefined;
    if (!signal || signalled) return;
    signalled = true;
    child.kill(signal);
  });
  const result = await child;
  return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}
