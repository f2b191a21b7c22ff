// A controller's work queue. Keys that are added while others wait are one piece of work: however many changes one
// turn of the event loop brings, each key is looked at once, against the newest state.
import { timerMs } from '../timer.ts';

export type Log = (text: string) => void;
export type Running = { stop(): void };

const FIRST_RETRY_MS = 5;
const LONGEST_RETRY_MS = 30_000;
/** Work that has taken longer is followed by as long a rest: the API server and the kubelet are in the same process. */
const LONG_TURN_MS = 100;

/** @param sync brings the world in line with what the store says about the key; when it throws, it is called again, later and later. */
export function createQueue(name: string, sync: (key: string) => void, log: Log) {
  const waiting = new Set<string>();
  const timers = new Map<string, { timer: NodeJS.Timeout; dueMs: number }>();
  const failures = new Map<string, number>();
  let turn: NodeJS.Immediate | undefined;
  let rest: NodeJS.Timeout | undefined;
  let stopped = false;

  function drain(): void {
    turn = undefined;
    const keys = [...waiting];
    const began = process.cpuUsage();
    waiting.clear();
    for (const key of keys) {
      if (stopped) return;
      try {
        sync(key);
        failures.delete(key);
      } catch (error) {
        const failed = (failures.get(key) ?? 0) + 1;
        failures.set(key, failed);
        log(`${name}: ${key}: ${error instanceof Error ? error.message : String(error)}`);
        addAfter(key, Math.min(FIRST_RETRY_MS * 2 ** (failed - 1), LONGEST_RETRY_MS));
      }
    }
    // Not by the clock, which runs on while others have the machine.
    const { user, system } = process.cpuUsage(began);
    const tookMs = (user + system) / 1000;
    if (tookMs > LONG_TURN_MS && !stopped) restFor(tookMs);
  }

  function restFor(ms: number): void {
    if (turn) clearImmediate(turn);
    turn = undefined;
    rest = setTimeout(() => {
      rest = undefined;
      if (waiting.size > 0) turn = setImmediate(drain);
    }, ms);
  }

  function add(key: string): void {
    if (stopped) return;
    waiting.add(key);
    if (!rest) turn ??= setImmediate(drain);
  }

  /** Once, at the earliest of the times that were asked for. */
  function addAfter(key: string, delayMs: number): void {
    if (stopped) return;
    const wait = timerMs(delayMs);
    const dueMs = Date.now() + wait;
    const earlier = timers.get(key);
    if (earlier && earlier.dueMs <= dueMs) return;
    clearTimeout(earlier?.timer);
    const timer = setTimeout(() => {
      timers.delete(key);
      add(key);
    }, wait);
    timers.set(key, { timer, dueMs });
  }

  return {
    add,
    addAfter,
    stop(): void {
      stopped = true;
      if (turn) clearImmediate(turn);
      clearTimeout(rest);
      for (const { timer } of timers.values()) clearTimeout(timer);
      timers.clear();
      waiting.clear();
    },
  };
}
