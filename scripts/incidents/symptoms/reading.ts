import type { FailureCount, WorkloadStatus } from '../../../services/protocol/index.ts';

/** What one client saw in a while. */
export type Reading = {
  /** Ended calls by code. */
  codes: Record<string, number>;
  /** Each different failure, the most frequent first. */
  failures: FailureCount[];
  /** OK answers by pod. */
  pods: Record<string, number>;
  /** TCP connections of the client's pod at the end: grown by so many. */
  connectionsGrown: number;
};

/** What a workload saw between two moments. @param before undefined: since it started. */
export function readingBetween(
  before: WorkloadStatus | undefined,
  after: WorkloadStatus,
  connectionsGrown: number,
): Reading {
  return {
    codes: grown(before?.codes, after.codes),
    failures: after.failures
      .map((failure) => ({ ...failure, count: failure.count - (countOf(before, failure) ?? 0) }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count),
    pods: grown(before?.pods, after.pods),
    connectionsGrown,
  };
}

const countOf = (status: WorkloadStatus | undefined, { code, message }: FailureCount) =>
  status?.failures.find((each) => each.code === code && each.message === message)?.count;

function grown(before: Record<string, number> = {}, after: Record<string, number>): Record<string, number> {
  const entries = Object.entries(after).map(([key, count]) => [key, count - (before[key] ?? 0)] as const);
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}

export const ended = ({ codes }: Reading): number =>
  Object.values(codes).reduce((sum, count) => sum + count, 0);
