// The processes of a cluster, found by the mark in their environment: whoever started them may be gone. Imports
// hardly more than Node, for the reaper's sake.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CLUSTER_VARIABLE } from './kubelet/pod-side/config.ts';

const GIVE_UP_MS = 5000;

type Process = { pid: number; parent: number; marked: boolean };

/**
 * Every process that carries the cluster's mark, and what these have started: a child may have been given another
 * environment. Not the caller, nor those that it runs under, whatever they carry.
 */
export async function findProcesses(clusterId: string): Promise<number[]> {
  const mark = `${CLUSTER_VARIABLE}=${clusterId}`;
  const processes = process.platform === 'linux' ? readProc(mark) : readPs(mark);
  const byPid = new Map(processes.map((each) => [each.pid, each]));
  const spared = new Set<number>();
  for (let pid = process.pid; pid > 0 && !spared.has(pid); pid = byPid.get(pid)?.parent ?? 0) spared.add(pid);

  const found = new Set<number>();
  for (const { pid, marked } of processes) if (marked && !spared.has(pid)) found.add(pid);
  // A set that grows while it is walked is walked to its new end.
  for (const parent of found) {
    for (const { pid, parent: of } of processes) if (of === parent && !spared.has(pid)) found.add(pid);
  }
  return [...found];
}

/**
 * SIGKILLs the cluster's processes until there are none, those too that are started meanwhile.
 *
 * @returns how many there were.
 * @throws Error when some are still there after 5 s.
 */
export async function killLeftovers(clusterId: string): Promise<number> {
  const killed = new Set<number>();
  const deadline = performance.now() + GIVE_UP_MS;
  // Twice in a row: between two processes that start one another, one look can miss both.
  for (let clean = 0; clean < 2; ) {
    const found = await findProcesses(clusterId);
    clean = found.length === 0 ? clean + 1 : 0;
    for (const pid of found) {
      killed.add(pid);
      kill(pid);
    }
    if (found.length > 0 && performance.now() > deadline) {
      throw new Error(`processes of the cluster ${clusterId} could not be killed: ${found.join(', ')}`);
    }
    if (clean < 2) await delay(10);
  }
  return killed.size;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone by itself, or cannot be: the next look tells.
  }
}

function readProc(mark: string): Process[] {
  return readdirSync('/proc').flatMap((name): Process[] => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // pid (name) state parent …, where a name may hold anything.
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [{ pid: Number(name), parent: Number(parent), marked: hasMark(name, mark) }];
    } catch {
      return [];
    }
  });
}

function hasMark(pid: string, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark);
  } catch {
    // Another user's.
    return false;
  }
}

/** macOS: what ps shows of the environments of one's own processes. */
function readPs(mark: string): Process[] {
  const lines = execFileSync('/bin/ps', ['-axEww', '-o', 'pid=,ppid=,command='], {
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  }).split('\n');
  return lines.flatMap((line): Process[] => {
    const [, pid, parent, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (!pid) return [];
    return [{ pid: Number(pid), parent: Number(parent), marked: command.split(' ').includes(mark) }];
  });
}
