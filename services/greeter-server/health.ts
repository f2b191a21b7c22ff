import { HealthImplementation } from 'grpc-health-check';

/** Services whose health can be asked for; "" is the server as a whole. */
export const healthServices = ['', 'greet.Greeter'] as const;

export type Health = ReturnType<typeof createHealth>;

/** The gRPC health service. It only tells: what it says has no effect on how calls are served. */
export function createHealth() {
  const serving = new Map<string, boolean>(healthServices.map((service) => [service, true]));
  const implementation = new HealthImplementation();
  let draining = false;

  function publish(): void {
    for (const [service, isServing] of serving) {
      implementation.setStatus(service, isServing && !draining ? 'SERVING' : 'NOT_SERVING');
    }
  }
  publish();

  return {
    implementation,
    set(changes: Record<string, boolean>): void {
      for (const [service, isServing] of Object.entries(changes)) serving.set(service, isServing);
      publish();
    },
    /** NOT_SERVING for good, whatever is set later. */
    drain(): void {
      draining = true;
      publish();
    },
    current: (): Record<string, boolean> =>
      Object.fromEntries([...serving].map(([service, isServing]) => [service, isServing && !draining])),
  };
}
