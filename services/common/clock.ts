import { randomUUID } from 'node:crypto';
import type { TimeAnswer } from '../protocol/index.ts';

/** Changes when the process does: by it the lab notices that a container was restarted. */
export const boot = randomUUID();

/** Milliseconds since the epoch by a clock that never steps. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Rounded to microseconds: more digits are noise and cost space on every line. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

export function timeAnswer(): TimeAnswer {
  const { user, system } = process.cpuUsage();
  return { boot, nowMs: nowMs(), cpuMs: (user + system) / 1000 };
}
