import { z } from 'zod';

/**
 * How much a server can do. A call that is served costs 1 of its `callsPerSecond`, a call that it refuses with
 * UNAVAILABLE because nothing is left costs `refusalCost`: to refuse is not free, as no server knows what it refuses
 * before it has read it.
 */
export const Capacity = z.strictObject({
  callsPerSecond: z.number().positive().max(1_000_000),
  refusalCost: z.number().min(0).max(1).default(0.5),
});
export type Capacity = z.infer<typeof Capacity>;

/**
 * What a server with a capacity begins with, in milliseconds of its work, as one that was idle: calls that come a little
 * early or together are no overload, and nothing is refused before it is used up.
 */
export const CAPACITY_IN_HAND_MS = 200;

/** What a greeter-server can be told to do at run time. What is left out stays as it is. */
export const BehaviourChange = z.strictObject({
  /** Added to every call before it is answered. */
  latencyMs: z.number().min(0).max(600_000).optional(),
  /** Share of calls that fail, 0 to 1. */
  failureShare: z.number().min(0).max(1).optional(),
  /** Status code name with which they fail. */
  failureCode: z.string().optional(),
  /** `null`: as much as the machine can do, which it is without. */
  capacity: Capacity.nullable().optional(),
  /**
   * Health by service name; "" is the server as a whole. The gRPC health service answers accordingly,
   * calls are served as before.
   */
  serving: z.record(z.string(), z.boolean()).optional(),
});
export type BehaviourChange = z.infer<typeof BehaviourChange>;
export type Behaviour = {
  latencyMs: number;
  failureShare: number;
  failureCode: string;
  capacity?: Capacity | null | undefined;
  serving: Record<string, boolean>;
};

/**
 * Blocks the server's only thread: it answers nothing, not even pings, as a frozen process would.
 * The control endpoint is frozen with it, so the time is given beforehand.
 */
export const FreezeRequest = z.strictObject({ durationMs: z.number().positive().max(600_000) });
export type FreezeRequest = z.infer<typeof FreezeRequest>;

/** Ends the process at once, as a crash does. */
export const ExitRequest = z.strictObject({ code: z.int().min(0).max(255).default(1) });
export type ExitRequest = z.input<typeof ExitRequest>;
