// How every command starts and ends: Ctrl-C as an abort, errors printed in one place, the right exit code.
import { EXIT, LabError, messageOf } from './errors.ts';
import { paint } from './terminal.ts';

/** A message for people, on stderr. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/**
 * Runs a command's body and ends the process with the exit code that it returns.
 *
 * The first Ctrl-C or SIGTERM aborts the signal, so that the body can undo what it did; the second ends at once.
 */
export async function main(body: (signal: AbortSignal) => Promise<number>): Promise<never> {
  const interrupted = new AbortController();
  const interrupt = () => {
    if (interrupted.signal.aborted) process.exit(EXIT.interrupted);
    say(paint('yellow', '\nInterrupted: cleaning up. Once more to leave at once.'));
    interrupted.abort(new LabError('interrupted', 'interrupted'));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  // A reader that goes away (`| head`) is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.pass);
  });
  let exitCode: number;
  try {
    exitCode = await body(interrupted.signal);
  } catch (error) {
    exitCode = printError(interrupted.signal.aborted ? interrupted.signal.reason : error);
  }
  // stdout may be a pipe, which is written asynchronously: let it drain before leaving.
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(exitCode);
}

const debug = process.argv.includes('--debug');

/** Prints what happened and what to do about it; returns the exit code that goes with it. */
function printError(error: unknown): number {
  if (error instanceof LabError) {
    if (error.code !== 'interrupted') {
      say(`${paint('red', 'error:')} ${error.message}`);
      if (error.hint) say(error.hint.replaceAll(/^/gm, '  '));
    }
    if (debug) say(String(error.stack));
    return error.exitCode;
  }
  say(`${paint('red', 'error:')} ${messageOf(error)}`);
  say(debug ? String((error as Error).stack) : '  This is a fault of the lab itself; --debug shows where.');
  return EXIT.fail;
}
