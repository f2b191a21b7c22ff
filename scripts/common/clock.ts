/** The driver's clock: milliseconds since the epoch, monotonic, with a fraction. */
export const nowMs = (): number => performance.timeOrigin + performance.now();
