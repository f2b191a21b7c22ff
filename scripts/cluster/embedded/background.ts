// The supervisor as seen from outside: started in the background, found again, and ended.
import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LabError } from '../../common/errors.ts';
import { waitFor } from '../../common/wait.ts';
import type { Lab } from '../lab.ts';
import { lockHolder } from '../lock.ts';

/** What the supervisor is told, as JSON in its first argument. */
export const SupervisorOptions = z.object({
  name: z.string(),
  dir: z.string(),
  kubeconfig: z.string(),
  clusterId: z.string(),
  nodes: z.array(
    z.object({ role: z.enum(['control-plane', 'worker']), labels: z.record(z.string(), z.string()) }),
  ),
  maxEndpointsPerSlice: z.int().min(1).exactOptional(),
});
export type SupervisorOptions = z.infer<typeof SupervisorOptions>;
/** What it tells the process that started it. */
export type SupervisorMessage = { ready: true } | { ready: false; error: string };

/** Name of the lock that a lab's supervisor holds as long as it lives. */
export const supervisorLock = (lab: string): string => `${lab}/supervisor`;

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5000;
/** Each is left without an answer for two seconds. */
const QUESTIONS = 4;

const logPath = (lab: Lab) => join(lab.dir, 'supervisor.log');

/** Starts it and returns when its API server answers. @throws LabError `failed` with what it said. */
export async function startSupervisor(lab: Lab, options: SupervisorOptions): Promise<void> {
  await mkdir(lab.dir, { recursive: true });
  const log = await open(logPath(lab), 'a');
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'supervisor.ts'), JSON.stringify(options)],
    { detached: true, stdio: ['ignore', log.fd, log.fd, 'ipc'], cwd: lab.dir },
  );
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
  const outcome = await new Promise<SupervisorMessage>((resolve) => {
    child.once('message', (message) => resolve(message as SupervisorMessage));
    child.once('error', (error) => resolve({ ready: false, error: error.message }));
    child.once('exit', (code) => resolve({ ready: false, error: `it ended with exit code ${code}` }));
    timeout.addEventListener('abort', () =>
      resolve({ ready: false, error: `it was not ready after ${START_TIMEOUT_MS / 1000}s` }),
    );
  });
  await log.close();
  if (child.connected) child.disconnect();
  child.unref();
  if (outcome.ready) return;
  child.kill('SIGKILL');
  throw new LabError('failed', `the embedded cluster did not start: ${outcome.error}`, {
    hint: `Its log: ${logPath(lab)}`,
  });
}

/** What the supervisor tells whoever asks for its lock. */
export const supervisorPurpose = (dir: string): string => `supervisor (pid ${process.pid}) of ${dir}`;

/**
 * Its process id, and the folder of the lab that it keeps; undefined when none runs.
 *
 * @throws LabError `failed` when there is one that does not answer: its pods may be well.
 */
export async function findSupervisor(lab: Lab): Promise<{ pid: number; dir: string } | undefined> {
  // One that is busy may not come to it at once; and one that ends while it is asked is gone when it is asked again.
  for (let asked = 0; asked < QUESTIONS; asked += 1) {
    const holder = await lockHolder(supervisorLock(lab.name));
    if (holder === undefined) return undefined;
    const [, pid, dir] = /^supervisor \(pid (\d+)\) of (.*)$/s.exec(holder) ?? [];
    if (pid !== undefined && dir !== undefined) return { pid: Number(pid), dir };
  }
  throw new LabError('failed', `the supervisor of "${lab.name}" does not answer`, {
    hint: `It may be stopped, or the machine too busy: try again, or kill it (ps ax | grep supervisor.ts).\nIts log: ${logPath(lab)}`,
  });
}

/** Ends it, gently first. */
export async function stopSupervisor(lab: Lab, signal?: AbortSignal): Promise<void> {
  const found = await findSupervisor(lab);
  if (!found || found.dir !== lab.dir) return;
  const { pid } = found;
  kill(pid, 'SIGTERM');
  const gone = async () =>
    (await lockHolder(supervisorLock(lab.name))) === undefined
      ? { done: undefined }
      : { waiting: `pid ${pid} runs` };
  const wait = { timeoutMs: STOP_TIMEOUT_MS, intervalMs: 20, ...(signal ? { signal } : {}) };
  await waitFor('the supervisor to end', gone, wait).catch(() => kill(pid, 'SIGKILL'));
  await waitFor('the supervisor to be killed', gone, wait);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
