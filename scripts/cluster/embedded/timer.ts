/** A longer time-out would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** As long as a timer can be: whoever waits for more looks at the clock, and waits again. */
export const timerMs = (ms: number): number => Math.min(Math.max(ms, 0), LONGEST_MS);
