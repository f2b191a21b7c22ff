import type { ClientFacts } from '../facts.ts';

/** What a client tells of a workload beside its counts; one of an older build does not. */
export type Told = {
  codes: Record<string, number>;
  /** Each different code and message; times in milliseconds since the epoch. */
  failures?: { code: string; message: string; count: number; firstMs: number; lastMs: number }[];
  /** OK answers by the pod that gave them. */
  pods?: Record<string, number>;
  lastOkMs?: number | undefined;
};

type Each = ClientFacts['workloads'][number];

/** OK answers of a workload by pod. */
export const podsTold = ({ status }: Each): Record<string, number> => (status as Told).pods ?? {};

/** Since when it runs, in milliseconds since the epoch: as long as the calls took that were due. */
export const startedMs = ({ spec, status }: Each, nowMs: number): number =>
  nowMs - (status.due / spec.ratePerSecond) * 1000;
