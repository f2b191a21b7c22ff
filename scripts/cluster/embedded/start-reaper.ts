// The supervisor's side of reaper.ts: keeps one alive.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type Reaper = {
  /** Of the one that runs now: one that dies is replaced. */
  readonly pid: number | undefined;
  /** Ends it; the cluster's processes stay. */
  stop(): void;
};

/** Between two starts, at least. */
const RESTART_MS = 1000;

/** From now on, the end of this process, however it comes, is the end of every process of the cluster. */
export function startReaper({ clusterId, log }: { clusterId: string; log: (text: string) => void }): Reaper {
  let stopped = false;
  let retry: NodeJS.Timeout | undefined;
  let current = start();

  function start() {
    const startedAt = performance.now();
    // A session of its own, so that no signal for the supervisor's group reaches it; and no environment but what
    // makes Node start faster: neither the mark of the cluster nor a hook meant for pods.
    const { NODE_COMPILE_CACHE } = process.env;
    const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve('./reaper.ts')), clusterId], {
      detached: true,
      cwd: '/',
      env: NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {},
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    let ended = false;
    const startAnother = (why: unknown) => {
      if (stopped || ended) return;
      ended = true;
      log(`the reaper has ended (${why}): another one is started`);
      const waitMs = Math.max(0, startedAt + RESTART_MS - performance.now());
      retry = setTimeout(() => {
        current = start();
      }, waitMs);
    };
    child.on('error', (error) => startAnother(error.message));
    child.on('close', (code, signal) => startAnother(signal ?? code));
    // There is none when the process has no file descriptor left.
    child.stdin?.on('error', () => {});
    // It does not keep this process from ending: that is what it is there for.
    child.unref();
    return child;
  }

  return {
    get pid() {
      return current.pid;
    },
    stop() {
      stopped = true;
      clearTimeout(retry);
      current.stdin?.end('stop\n');
    },
  };
}
