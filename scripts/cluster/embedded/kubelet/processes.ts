// Processes of containers: started in a group of their own, and all gone when the first of them is. By Node's own
// spawn: of what execa adds, there is nothing that a container runtime does not decide for itself.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { CLUSTER_VARIABLE, CONTAINER_VARIABLE, POD_VARIABLE, type PodSide } from './pod-side/config.ts';
import type { Sweep } from './sweep.ts';

export type ProcessSpec = {
  /** Arguments for Node. */
  args: readonly string[];
  env: Record<string, string>;
  cwd: string;
  pod: PodSide;
  clusterId: string;
  containerId: string;
  onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
  /** The hook is in, the program has not begun. */
  onLoaded?: () => void;
  /** The program listens on this port. */
  onListening?: (port: number) => void;
};
export type RunningProcess = {
  pid: number;
  /** 128 + n for signal n. Resolves when all of its output has been seen. */
  ended: Promise<{ exitCode: number }>;
  /** To the first process only, as a runtime sends it to pid 1. */
  signal(name: NodeJS.Signals): void;
  /** SIGKILL to all of its group. */
  kill(): void;
};

const OUTPUT_MS = 1000;

/** @param sweep given for a container's first process: whatever else runs in the container dies with it. */
export async function startProcess(spec: ProcessSpec, sweep?: Sweep): Promise<RunningProcess> {
  const { preload } = spec.pod;
  const child = spawn(process.execPath, ['--require', preload, ...spec.args], {
    cwd: spec.cwd,
    env: {
      ...spec.env,
      [POD_VARIABLE]: JSON.stringify(spec.pod),
      [CLUSTER_VARIABLE]: spec.clusterId,
      [CONTAINER_VARIABLE]: spec.containerId,
    },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let over = false;
  const { pid } = child;
  const exited = new Promise<{ exitCode: number }>((resolve) => {
    child.once('exit', (code, signal) => {
      over = true;
      resolve({ exitCode: code ?? 128 + signalNumber(signal) });
    });
    child.once('error', () => resolve({ exitCode: 128 }));
  });
  const output = Promise.all(
    (['stdout', 'stderr'] as const).map(
      (name) =>
        new Promise<void>((resolve) => {
          const stream = child[name] as Readable;
          stream.on('data', (chunk: Buffer) => spec.onOutput(name, chunk));
          stream.once('close', resolve);
          stream.once('error', () => resolve());
        }),
    ),
  );
  let isLoaded = false;
  readNotices(child.stdio[3], {
    ...spec,
    onLoaded() {
      isLoaded = true;
      spec.onLoaded?.();
    },
  });
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw error;
  }

  function killGroup(): void {
    try {
      process.kill(-(pid as number), 'SIGKILL');
    } catch {
      // Nobody is left in it.
    }
  }
  async function end(): Promise<{ exitCode: number }> {
    const result = await exited;
    killGroup();
    await sweep?.(spec.containerId);
    // A process that has escaped holds the pipe open, and must not hold the container.
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, OUTPUT_MS);
    });
    await Promise.race([output, late]);
    clearTimeout(timer);
    child.stdout?.destroy();
    child.stderr?.destroy();
    return result;
  }

  return {
    pid,
    ended: end(),
    signal(name) {
      // A pid 1 that has not got to its first line has no handler: the kernel drops the signal.
      if (!over && isLoaded) child.kill(name);
    },
    kill() {
      if (!over) killGroup();
    },
  };
}

function readNotices(stream: unknown, { onLoaded, onListening }: ProcessSpec): void {
  const notices = stream as NodeJS.ReadableStream;
  let rest = '';
  notices.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    // What a program writes there itself is nobody's concern, however long.
    rest = (lines.pop() ?? '').slice(-16);
    for (const line of lines) {
      if (line === 'loaded') onLoaded?.();
      else if (/^\d{1,5}$/.test(line)) onListening?.(Number(line));
    }
  });
  notices.on('error', () => {});
}

const numbers: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};
const signalNumber = (signal: NodeJS.Signals | null): number => (signal && numbers[signal]) ?? 0;
