import type { ClientFacts } from '../facts.ts';

/** Since when a workload runs, in milliseconds since the epoch: as long as the calls took that were due. */
export const startedMs = ({ spec, status }: ClientFacts['workloads'][number], nowMs: number): number =>
  nowMs - (status.due / spec.ratePerSecond) * 1000;
