// Finds processes of a container that have left its process group (a daemon, `detached`), by what they inherited.
import { readdir, readFile } from 'node:fs/promises';
import { CONTAINER_VARIABLE } from './pod-side/config.ts';

/** Resolves when no process of the container is left. */
export type Sweep = (containerId: string) => Promise<void>;

const ROUNDS = 20;

/** Looks through /proc once for all the containers that end at about the same time. */
export function createSweep(): Sweep {
  let waiting: { id: string; done: () => void }[] = [];
  let running = false;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const ids = new Set(batch.map(({ id }) => id));
      for (let round = 0; round < ROUNDS && ids.size > 0; round += 1) {
        const found = await killOf(ids);
        for (const id of ids) if (!found.has(id)) ids.delete(id);
      }
      for (const { done } of batch) done();
    }
    running = false;
  }

  return (id) =>
    new Promise((done) => {
      waiting.push({ id, done });
      if (running) return;
      running = true;
      setImmediate(() => void run());
    });
}

/** @returns those of which there was one. */
async function killOf(ids: ReadonlySet<string>): Promise<Set<string>> {
  const found = new Set<string>();
  // Elsewhere than on Linux what has left its group is found by the cluster's reaper.
  const entries = await readdir('/proc').catch(() => []);
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = await readFile(`/proc/${entry}/environ`, 'latin1').catch(() => '');
    const at = environment.indexOf(`${CONTAINER_VARIABLE}=`);
    if (at < 0) continue;
    const from = at + CONTAINER_VARIABLE.length + 1;
    const id = environment.slice(from, environment.indexOf('\0', from));
    if (!ids.has(id)) continue;
    found.add(id);
    try {
      process.kill(Number(entry), 'SIGKILL');
    } catch {
      // Gone by itself, or a zombie's: it is not found again.
    }
  }
  return found;
}
