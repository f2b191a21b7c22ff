// One run of a container, from its first process to its end.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerCommand } from './command.ts';
import type { PodContext } from './context.ts';
import type { Container } from './env.ts';
import { execIn, type Surroundings, surroundings } from './exec.ts';
import type { Image } from './images.ts';
import { createLogFile, type LogFile } from './log-file.ts';
import { runHook } from './pre-stop.ts';
import type { Probe } from './probes/probe.ts';
import { type ProbeKind, type Prober, startProbes } from './probes/prober.ts';
import type { ProbeResult } from './probes/result.ts';
import { startProcess } from './processes.ts';
import { createBell } from './waiting.ts';

export type Run = NonNullable<Awaited<ReturnType<typeof startRun>>>;
export type RunListener = {
  started: () => void;
  ready: (isReady: boolean) => void;
  notSucceeded: (kind: ProbeKind, result: ProbeResult) => void;
  failed: (kind: 'Startup' | 'Liveness', probe: Probe) => void;
  preStopFailed: () => void;
  /** Asked when its turn has come. */
  isWanted: () => boolean;
};

/** A process counts as starting until it listens; one that names no port, for so long after its program has begun. */
const PORTLESS_START_MS = 200;
const LONGEST_START_MS = 5000;
/** However long preStop took, the program gets so much to end by itself. */
const LEAST_GRACE_MS = 2000;
const MOST_MESSAGE = 4096;

type Asked = { image: Image; env: Record<string, string>; number: number; isInit: boolean };

/**
 * @returns undefined when it is no longer wanted.
 * @throws StartError when it is not for Node; the system's error when that could not do it.
 */
export async function startRun(context: PodContext, container: Container, asked: Asked, on: RunListener) {
  const args = containerCommand(container, asked.env, asked.image.dir);
  const leave = await context.kubelet.starts.enter();
  try {
    if (on.isWanted()) return await begin(context, container, asked, args, on, leave);
  } catch (error) {
    leave();
    throw error;
  }
  leave();
  return undefined;
}

/** @param leave called when it has started. */
async function begin(
  context: PodContext,
  container: Container,
  { image, env, number, isInit }: Asked,
  args: string[],
  on: RunListener,
  leave: () => void,
) {
  const { kubelet, placement, dir } = context;
  const containerId = randomBytes(32).toString('hex');
  const terminationLog = join(dir, 'termination', `${container.name}.${number}`);
  writeFileSync(terminationLog, '');
  const where: Surroundings = surroundings(context, container, {
    containerId,
    imageDir: image.dir,
    env,
    terminationLog,
  });
  const log = createLogFile(join(dir, 'logs', container.name, `${number}.log`));
  const exec = (command: readonly string[], timeoutMs: number) =>
    execIn(context, where, image.dir, command, timeoutMs);

  const { ports = [], startupProbe, readinessProbe, livenessProbe } = container;
  const hasPort =
    ports.length > 0 || [startupProbe, readinessProbe, livenessProbe].some((probe) => probe && !probe.exec);
  let starting = setTimeout(leave, LONGEST_START_MS);
  const hasStarted = () => {
    clearTimeout(starting);
    leave();
  };
  // What the process tells before there is a prober is kept for it.
  const early: number[] = [];
  let prober: Prober | undefined;
  const process = await startProcess(
    {
      ...where,
      args,
      onOutput: (stream, chunk) => log.write(stream, chunk),
      onLoaded() {
        if (hasPort) return;
        clearTimeout(starting);
        starting = setTimeout(leave, PORTLESS_START_MS);
      },
      onListening(port) {
        hasStarted();
        if (prober) prober.listening(port);
        else early.push(port);
      },
    },
    kubelet.sweep,
  ).catch((error: unknown) => {
    hasStarted();
    log.close();
    throw error;
  });

  let isOver = false;
  const bell = createBell();
  const ended = process.ended.then(({ exitCode }) => {
    hasStarted();
    isOver = true;
    prober?.stop();
    log.close();
    bell.ring();
    return { exitCode, message: terminationMessage(container, terminationLog, log, exitCode) };
  });
  if (!isInit) {
    const target = { container, podIP: placement.podIP, hostIP: placement.hostIP, exec };
    prober = startProbes(target, on);
    for (const port of early) prober.listening(port);
  }

  let killAtMs = Number.POSITIVE_INFINITY;
  let stopping: Promise<void> | undefined;

  async function stopInOrder(graceMs: number): Promise<void> {
    prober?.stopping();
    const preStop = container.lifecycle?.preStop;
    if (preStop && graceMs > 0) {
      const hook = runHook(preStop, { container, ...placement, exec, timeoutMs: graceMs }).then((passed) => {
        if (!passed && !isOver) on.preStopFailed();
        return true;
      });
      let hooked = false;
      void hook.then(() => {
        hooked = true;
        bell.ring();
      });
      while (!hooked && !isOver && performance.now() < killAtMs)
        await bell.wait(killAtMs - performance.now());
      // A deletion that is in a hurry by now is not given more.
      if (!isHurried) killAtMs = Math.max(killAtMs, performance.now() + LEAST_GRACE_MS);
    }
    if (!isOver && performance.now() < killAtMs) process.signal('SIGTERM');
    while (!isOver && performance.now() < killAtMs) await bell.wait(killAtMs - performance.now());
    process.kill();
    await ended;
  }
  let isHurried = false;

  return {
    containerId,
    log,
    ended,
    /** preStop, SIGTERM, and SIGKILL after the grace. Again: only sooner. Resolves when it has ended. */
    stop(graceSeconds: number): Promise<void> {
      const at = performance.now() + graceSeconds * 1000;
      if (at < killAtMs) {
        isHurried = stopping !== undefined || graceSeconds === 0;
        killAtMs = at;
        bell.ring();
      }
      stopping ??= stopInOrder(graceSeconds * 1000);
      return stopping;
    },
  };
}

/**
 * What the program wrote to its termination log; or, when it failed and that is asked for, the end of its log. Nothing
 * where that cannot be read, whatever the program has made of it.
 */
function terminationMessage(
  { terminationMessagePolicy }: Container,
  file: string,
  log: LogFile,
  exitCode: number,
): string {
  const written = read(() => readFileSync(file, 'utf8'));
  if (written) return written.slice(0, MOST_MESSAGE);
  if (terminationMessagePolicy !== 'FallbackToLogsOnError' || exitCode === 0) return '';
  return read(() => log.tail());
}

function read(text: () => string): string {
  try {
    return text();
  } catch {
    return '';
  }
}
