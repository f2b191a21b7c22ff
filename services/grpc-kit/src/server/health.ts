export type ServingStatus = 'SERVING' | 'NOT_SERVING';

/** What the gRPC health service says. It only tells: calls are served as before. */
export type Health = {
  /**
   * Sets one service's status; "" is the server as a whole. What is set stays, but "" and the services that are
   * hosted are NOT_SERVING all the same while `readiness` says no, and once a drain has begun. Any other name is the
   * application's own and says what was set: a liveness probe can ask for one, and is not failed by a drain.
   */
  set: (service: string, serving: boolean) => void;
  /** What is told at the moment, by service. */
  current: () => Record<string, boolean>;
};

export type HealthState = ReturnType<typeof createHealth>;

/** @param services names of those hosted. All are SERVING to begin with. */
export function createHealth(services: readonly string[]) {
  const hosted = new Set(['', ...services]);
  const wanted = new Map<string, boolean>([...hosted].map((service) => [service, true]));
  const listeners = new Set<() => void>();
  let ready = true;
  let draining = false;

  const isServing = (service: string, serving: boolean) =>
    serving && (!hosted.has(service) || (ready && !draining));
  function changed(): void {
    for (const listener of listeners) listener();
  }

  const health: Health = {
    set(service, serving) {
      wanted.set(service, serving);
      changed();
    },
    current: () =>
      Object.fromEntries([...wanted].map(([service, serving]) => [service, isServing(service, serving)])),
  };
  return {
    health,
    setReady(isReady: boolean): void {
      ready = isReady;
      changed();
    },
    /** NOT_SERVING for good. */
    drain(): void {
      draining = true;
      changed();
    },
    /** Undefined for a service that nothing is known of. */
    statusOf(service: string): ServingStatus | undefined {
      const serving = wanted.get(service);
      if (serving === undefined) return undefined;
      return isServing(service, serving) ? 'SERVING' : 'NOT_SERVING';
    },
    /** @returns what ends it. */
    onChange(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
