// What this process suffers from: no CPU, a blocked event loop, no files left. Files are read at once, not in Node's
// pool of threads: there they would wait for lookups that hang.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { roundMs } from '../common/clock.ts';
import type { ProcessAnswer } from '../protocol/index.ts';

/** How often the event loop is looked at. */
const RESOLUTION_MS = 20;
const CGROUPS = '/sys/fs/cgroup';

/** @returns what reads it; CPU share and delays are of the time since the last reading, the first since the start. */
export function watchProcess(): () => ProcessAnswer {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let last = { atMs: 0, cpuMs: 0 };

  return () => {
    const { user, system } = process.cpuUsage();
    const now = { atMs: performance.now(), cpuMs: (user + system) / 1000 };
    const cpuShare = roundMs((now.cpuMs - last.cpuMs) / (now.atMs - last.atMs));
    last = now;
    const eventLoopDelay = {
      p50Ms: lateness(delays.percentile(50)),
      p99Ms: lateness(delays.percentile(99)),
      maxMs: lateness(delays.max),
    };
    delays.reset();
    const throttling = readThrottling();
    const openFiles = readOpenFiles();
    return {
      uptimeMs: roundMs(now.atMs),
      cpuShare,
      eventLoopDelay,
      ...(throttling && { throttling }),
      ...(openFiles && { openFiles }),
    };
  };
}

/** Node records the time from one look to the next, in nanoseconds; it is 0 where there was no look yet. */
const lateness = (ns: number): number => roundMs(Math.max(0, ns / 1e6 - RESOLUTION_MS));

/**
 * Since the container was started. Source: Linux, Documentation/admin-guide/cgroup-v2.rst; where there are control groups
 * v1 still, Documentation/scheduler/sched-bwc.rst, and a container's own group is mounted as the root.
 */
function readThrottling(): ProcessAnswer['throttling'] {
  const own = join(CGROUPS, read('/proc/self/cgroup')?.match(/^0::(.*)$/m)?.[1] ?? '');
  const v1 = join(CGROUPS, 'cpu');
  const maxOfV1 = ['quota', 'period'].map((name) => read(join(v1, `cpu.cfs_${name}_us`))?.trim()).join(' ');
  return (
    parseThrottling(read(join(own, 'cpu.max')), read(join(own, 'cpu.stat'))) ??
    parseThrottling(maxOfV1, read(join(v1, 'cpu.stat')))
  );
}

/**
 * @param max `<quota> <period>`, in microseconds; the quota is `max`, in v1 -1, where there is no limit.
 * @param stat lines of `<name> <number>`; undefined files are those of a group that has none.
 */
export function parseThrottling(
  max: string | undefined,
  stat: string | undefined,
): ProcessAnswer['throttling'] {
  const count = (name: string) => stat?.match(new RegExp(`^${name} (\\d+)$`, 'm'))?.[1];
  const [periods, throttled] = [count('nr_periods'), count('nr_throttled')];
  if (periods === undefined || throttled === undefined) return undefined;
  const [, quota, period] = max?.match(/^(\d+) (\d+)/) ?? [];
  return {
    ...(quota !== undefined && { limitCores: Number(quota) / Number(period) }),
    periods: Number(periods),
    throttledPeriods: Number(throttled),
  };
}

/** Source: proc_pid_fd(5), and proc_pid_limits(5), whose first column is the soft limit. */
function readOpenFiles(): ProcessAnswer['openFiles'] {
  try {
    const open = readdirSync('/proc/self/fd').length;
    const limit = read('/proc/self/limits')?.match(/^Max open files\s+(\d+)/m)?.[1];
    return { open, ...(limit !== undefined && { limit: Number(limit) }) };
  } catch {
    return undefined;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
