// The list of steps that a long command shows: live with times in a terminal, a plain line per finished step
// elsewhere. Always on stderr: stdout is for results.
import { Listr, ListrLogger, ProcessOutput } from 'listr2';
import { formatDuration } from './duration.ts';

export type Step = {
  /** By which other steps name it in `after`. */
  name: string;
  title: string;
  /** Names of the steps that must be done before this one starts; steps that wait for nothing in common overlap. */
  after?: readonly string[];
  /** `say` shows what the step is at; the text that it returns stands behind its title when it is done. */
  run: (context: { say: (detail: string) => void; signal: AbortSignal }) => Promise<string | undefined>;
};

export type StepTime = { name: string; startedMs: number; endedMs: number };

/**
 * Runs every step as soon as those that it comes after are done.
 *
 * When one fails, or `signal` aborts, the others are aborted and awaited before the first error is thrown: nothing
 * goes on in the background.
 *
 * @returns when each step started and ended, in milliseconds since the call.
 */
export async function runSteps(steps: readonly Step[], signal: AbortSignal): Promise<StepTime[]> {
  const failed = new AbortController();
  const context = AbortSignal.any([signal, failed.signal]);
  const began = performance.now();
  const times: StepTime[] = [];
  const started = new Map<string, Promise<void>>();
  let firstError: unknown;

  const start = (step: Step, show: Show): Promise<void> => {
    const work = async () => {
      const before = (step.after ?? []).map((name) => started.get(name));
      await Promise.all(before);
      context.throwIfAborted();
      const startedMs = performance.now() - began;
      show.started();
      const detail = await step.run({ say: show.say, signal: context });
      context.throwIfAborted();
      const endedMs = performance.now() - began;
      times.push({ name: step.name, startedMs, endedMs });
      show.done(detail, endedMs - startedMs);
    };
    const promise = work().catch((error: unknown) => {
      firstError ??= signal.aborted ? signal.reason : error;
      failed.abort(error);
      throw error;
    });
    promise.catch(() => {});
    started.set(step.name, promise);
    return promise;
  };

  if (process.stderr.isTTY) await showLive(steps, start);
  else await Promise.allSettled(steps.map((step) => start(step, plainLine(step))));
  if (firstError !== undefined) throw firstError;
  return times;
}

type Show = {
  started: () => void;
  say: (detail: string) => void;
  done: (detail: string | undefined, ms: number) => void;
};

const plainLine = (step: Step): Show => ({
  started: () => {},
  say: () => {},
  done: (detail, ms) =>
    process.stderr.write(
      `  ${formatDuration(ms).padStart(6)}  ${step.title}${detail ? `: ${detail}` : ''}\n`,
    ),
});

async function showLive(
  steps: readonly Step[],
  start: (step: Step, show: Show) => Promise<void>,
): Promise<void> {
  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const tasks = steps.map((step) => ({
    title: step.title,
    task: (_: unknown, task: { title: string; output: string }) =>
      start(step, {
        started: () => {},
        say: (detail) => {
          task.output = detail;
        },
        done: (detail, ms) => {
          task.title = `${step.title} [${formatDuration(ms)}]${detail ? `: ${detail}` : ''}`;
        },
      }),
  }));
  const list = new Listr(tasks, {
    concurrent: true,
    exitOnError: false,
    registerSignalListeners: false,
    renderer: 'default',
    rendererOptions: { logger, collapseErrors: false, showErrorMessage: false, formatOutput: 'truncate' },
  });
  await list.run();
}
