import { CAPACITY_IN_HAND_MS, type Capacity } from '../protocol/index.ts';

/**
 * Work that can be left to do, or be left over, in terms of time: calls come in bursts, and to a busy machine they come
 * late and all at once. What goes on for longer is not made up for.
 */
const MOST_MS = 1000;

/**
 * A server's work as a bucket: it fills by `callsPerSecond`, calls take from it, and refusals may leave it in debt, which
 * has to be worked off before another call is served. It begins with a little, but with one call's worth at least.
 *
 * @param startMs by the clock that `admits` is given, whichever it is.
 */
export function createAdmission({ callsPerSecond, refusalCost }: Capacity, startMs: number) {
  const perMs = callsPerSecond / 1000;
  const most = Math.max(1, perMs * MOST_MS);
  const least = -perMs * MOST_MS;
  let inHand = Math.max(1, perMs * CAPACITY_IN_HAND_MS);
  let lastMs = startMs;

  return {
    /** Whether a call that comes now is served; its cost is taken either way. */
    admits(nowMs: number): boolean {
      inHand = Math.min(most, inHand + (nowMs - lastMs) * perMs);
      lastMs = nowMs;
      const admitted = inHand >= 1;
      inHand = Math.max(least, inHand - (admitted ? 1 : refusalCost));
      return admitted;
    },
  };
}

/** Refuses calls as the current capacity says, which may change at any time; without one, none. */
export function createGate(nowMs: () => number = () => performance.now()) {
  let current: { capacity: Capacity; admission: ReturnType<typeof createAdmission> } | undefined;

  return (capacity: Capacity | null | undefined): boolean => {
    if (!capacity) {
      current = undefined;
      return true;
    }
    if (current?.capacity !== capacity) {
      current = { capacity, admission: createAdmission(capacity, nowMs()) };
    }
    return current.admission.admits(nowMs());
  };
}
