import { execa, type Options } from 'execa';
import { LabError } from './errors.ts';

export type RunOptions = {
  /** Ends the command: SIGTERM, then SIGKILL after 5 s. */
  signal?: AbortSignal | undefined;
  /** Standard input. */
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
  timeoutMs?: number;
};

export type RunResult = {
  ok: boolean;
  stdout: string;
  /** Where there is none of a failure: what it printed on stdout, or why it failed. */
  stderr: string;
};

/**
 * Runs a program and returns its standard output.
 *
 * @throws LabError `failed` that carries the command as one would paste it, and what it printed.
 */
export async function run(
  command: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<string> {
  const result = await tryRun(command, options);
  if (result.ok) return result.stdout;
  throw new LabError('failed', `this command failed:\n  ${shellQuote(command)}`, {
    hint: withAdvice(lastLines(result.stderr, 12)),
  });
}

const withAdvice = (output: string): string =>
  /no space left on device/i.test(output)
    ? `${output}\nThe disk is full: free some, for example with docker system prune.`
    : output;

/** Runs a program; a failure is a result, not an error. Only an abort throws. */
export async function tryRun(
  [file, ...args]: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<RunResult> {
  const execaOptions = {
    reject: false,
    stdin: options.input === undefined ? 'ignore' : 'pipe',
    forceKillAfterDelay: 5000,
    // A group of its own: Ctrl-C in the terminal reaches the lab alone, which then ends the whole group. What a
    // program has started would otherwise go on, and keep its output open, for which this waits.
    killDescendants: true,
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  } satisfies Options;
  options.signal?.throwIfAborted();
  const result = await execa(file, args, execaOptions);
  options.signal?.throwIfAborted();
  const stderr = result.stderr || (result.failed ? result.stdout || (result.shortMessage ?? '') : '');
  return { ok: !result.failed, stdout: result.stdout, stderr };
}

/** A command as one would paste it into a shell. */
export function shellQuote(command: readonly string[]): string {
  return command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
