import type { WorkloadStatus } from '../protocol/index.ts';
import type { Outcome } from './stacks/stack.ts';

const MOST_FAILURES = 20;
const MOST_PODS = 1000;

/** A message without what makes each one different: grpc-js puts moments and times into it. */
const alike = (message: string): string =>
  message
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '…')
    .replaceAll(/\d+\.\d+s/g, (seconds) => `${Number.parseFloat(seconds).toFixed(1)}s`);

/** Counts outcomes by code, by message and by pod; what it keeps is bounded, whatever servers say. */
export function createTally() {
  const codes: Record<string, number> = {};
  const pods = new Map<string, number>();
  const failures = new Map<string, WorkloadStatus['failures'][number]>();
  let lastOkMs: number | undefined;

  function countFailure({ code, message = '' }: Outcome, endedMs: number): void {
    const shown = alike(message);
    const key = `${code} ${shown}`;
    const known = failures.get(key) ?? { code, message: shown, count: 0, firstMs: endedMs, lastMs: endedMs };
    // The one that was seen last stands last.
    failures.delete(key);
    failures.set(key, { ...known, count: known.count + 1, lastMs: endedMs });
    const [oldest] = failures.keys();
    if (failures.size > MOST_FAILURES && oldest !== undefined) failures.delete(oldest);
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
      failures: [...failures.values()],
      pods: Object.fromEntries(pods),
      ...(lastOkMs !== undefined && { lastOkMs }),
    }),
  };
}
