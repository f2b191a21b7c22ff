// Runs the lab's commands as a person does, and says what came of it.
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { ROOT } from '../../scripts/cluster/lab.ts';

export type CommandResult = { exitCode: number; stdout: string; stderr: string };

export type CommandOptions = {
  env?: Record<string, string | undefined>;
  /** The checkout whose command it is. */
  cwd?: string;
  /** Sends a signal, once, as soon as `when` is true of what was printed on stderr so far. */
  signal?: { name: 'SIGINT' | 'SIGKILL'; when: (stderr: string) => boolean | Promise<boolean> };
  /** Done once, as soon as stderr has the text. */
  once?: { text: string; act: () => Promise<unknown> };
};

/** A command by the file in scripts/, with Node itself: npm would add its own words. */
export async function lab(
  command: 'lab-up' | 'lab-down' | 'lab-status' | 'experiment' | 'incident' | 'diagnose' | 'report',
  args: readonly string[] = [],
  { env = {}, cwd = ROOT, signal, once }: CommandOptions = {},
): Promise<CommandResult> {
  const child = execa(
    process.execPath,
    ['-r', './scripts/common/prepare-node.cjs', `scripts/${command}.ts`, ...args],
    { cwd, reject: false, stdin: 'ignore', env: { NO_COLOR: '1', FORCE_COLOR: undefined, ...env } },
  );
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new AbortController();
  const side = Promise.all([
    signal &&
      whenTrue(
        () => signal.when(stderr),
        ended.signal,
        async () => child.kill(signal.name),
      ),
    once && whenTrue(() => stderr.includes(once.text), ended.signal, once.act),
  ]);
  const result = await child;
  ended.abort();
  await side;
  return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** Asks until it is true, then acts; gives up when `signal` aborts. */
async function whenTrue(
  isTrue: () => boolean | Promise<boolean>,
  signal: AbortSignal,
  act: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    if (await isTrue()) {
      await act();
      return;
    }
    await delay(100);
  }
}
