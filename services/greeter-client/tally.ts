import type { WorkloadStatus } from '../protocol/index.ts';
import type { Outcome } from './stacks/stack.ts';

const MOST_FAILURES = 20;
const MOST_PODS = 1000;

/** Counts outcomes by code, by message and by pod; what it keeps is bounded, whatever servers say. */
export function createTally() {
  const codes: Record<string, number> = {};
  const pods = new Map<string, number>();
  const failures = new Map<string, WorkloadStatus['failures'][number]>();
  let lastOkMs: number | undefined;

  function countFailure({ code, message = '' }: Outcome, endedMs: number): void {
    const key = `${code} ${message}`;
    const known = failures.get(key);
    if (known) {
      known.count += 1;
      known.lastMs = endedMs;
    } else if (failures.size < MOST_FAILURES) {
      failures.set(key, { code, message, count: 1, firstMs: endedMs, lastMs: endedMs });
    }
  }

  return {
    ended(outcome: Outcome, endedMs: number): void {
      codes[outcome.code] = (codes[outcome.code] ?? 0) + 1;
      if (outcome.code !== 'OK') {
        countFailure(outcome, endedMs);
        return;
      }
      lastOkMs = endedMs;
      const { pod } = outcome;
      if (pod !== undefined && (pods.has(pod) || pods.size < MOST_PODS))
        pods.set(pod, (pods.get(pod) ?? 0) + 1);
    },
    summary: (): Pick<WorkloadStatus, 'codes' | 'failures' | 'pods' | 'lastOkMs'> => ({
      codes: { ...codes },
      failures: [...failures.values()].map((failure) => ({ ...failure })),
      pods: Object.fromEntries(pods),
      ...(lastOkMs !== undefined && { lastOkMs }),
    }),
  };
}
